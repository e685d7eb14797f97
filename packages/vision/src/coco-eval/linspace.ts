/**
 * Numbers evenly spaced from `start` to `stop`, both included, rounded as numpy's `linspace` rounds: start + i·step.
 * Thresholds compare with `>=`, so that one unit in the last place decides over whole matches.
 */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const step = (stop - start) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}
