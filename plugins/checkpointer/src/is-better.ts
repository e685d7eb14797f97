/** Whether `value` is finite and beats `best`; any finite value beats none. */
export function isBetter(value: number, best: number | undefined, mode: 'max' | 'min'): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  return mode === 'max' ? value > best : value < best;
}
