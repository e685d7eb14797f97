/** Largest allowed difference of an eager and a captured number, relative to the larger one. */
const [RELATIVE, ABSOLUTE] = [1e-3, 1e-6];

/** Describes the first place where two plain values differ by more than rounding; undefined if there is none. */
export function firstDifference(one: unknown, other: unknown, path = ''): string | undefined {
  if (typeof one === 'number' && typeof other === 'number') {
    const isClose =
      Object.is(one, other) || Math.abs(one - other) <= ABSOLUTE + RELATIVE * Math.max(Math.abs(one), Math.abs(other));
    return isClose ? undefined : `${path}: ${one} and ${other}`;
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other ? undefined : `${path}: ${String(one)} and ${String(other)}`;
  const [left, right] = [one as Readonly<Record<string, unknown>>, other as Readonly<Record<string, unknown>>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = firstDifference(left[key], right[key], path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
