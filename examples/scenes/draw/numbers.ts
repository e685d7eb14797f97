/** Limits a value to the range from `low` to `high`. */
export const clamp = (value: number, low: number, high: number): number =>
  value < low ? low : value > high ? high : value;

/** 0 below `from`, 1 above `to`, and a smooth transition between them. */
export function smoothstep(from: number, to: number, value: number): number {
  const share = clamp((value - from) / (to - from), 0, 1);
  return share * share * (3 - 2 * share);
}

/** Distance of a number from the nearest integer. */
export function offWhole(value: number): number {
  const share = value % 1;
  const above = share < 0 ? share + 1 : share;
  return above > 0.5 ? 1 - above : above;
}
