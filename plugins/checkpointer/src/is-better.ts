/** Whether `value` is finite and better than `best`. Any finite value is better than no value. */
export function isBetter(value: number, best: number | undefined, mode: 'max' | 'min'): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  return mode === 'max' ? value > best : value < best;
}
