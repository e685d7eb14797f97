/** Longest sides that objects have at one level, in strides of the level. */
const SPAN = 16;

/** Which objects belong to which level, by their longest side in pixels: the finest takes the smallest, and so on. */
export function levelSizes(strides: readonly number[]): readonly (readonly [from: number, to: number])[] {
  return strides.map((stride, level) => [
    level === 0 ? 0 : SPAN * (strides[level - 1] as number),
    level === strides.length - 1 ? Infinity : SPAN * stride,
  ]);
}
