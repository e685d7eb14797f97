/** How much two numbers of which one was computed by a graph may differ, beside the larger of them. */
const [RELATIVE, ABSOLUTE] = [1e-3, 1e-6];

/** Where two values of plain data differ by more than rounding; undefined where they do not. */
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
