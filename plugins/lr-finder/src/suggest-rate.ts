/** Number of points at the start and at the end of the curve that are ignored (Lightning's `skip_begin` and `skip_end`). */
const SKIPPED = { atBegin: 10, atEnd: 1 };

/**
 * The rate at which the smoothed loss falls most steeply over the logarithm of the rate, as in Lightning's `lr_find` and fastai's `steep`:
 * the index i with the smallest slope (s[i + 1] - s[i - 1]) / 2. Rates grow by a constant factor, so equal distances of indices are equal distances of
 * logarithms. The first 10 points (or a tenth, if there are fewer than 100) and the last point are ignored. Unlike there, all points after the smallest smoothed loss
 * are ignored too, because a loss that has shot up falls steeply again.
 *
 * @returns undefined if the loss does not fall
 */
export function suggestRate(
  points: readonly { readonly rate: number; readonly smoothed: number }[],
): number | undefined {
  const first = Math.max(1, Math.min(SKIPPED.atBegin, Math.floor(points.length / 10)));
  const smallest = points.reduce((at, { smoothed }, i) => (smoothed < (points[at]?.smoothed ?? Infinity) ? i : at), 0);
  let best: { readonly rate: number; readonly slope: number } | undefined;
  for (let i = first; i < points.length - SKIPPED.atEnd && i <= smallest; i++) {
    const [before, here, after] = [points[i - 1], points[i], points[i + 1]];
    if (before === undefined || here === undefined || after === undefined) continue;
    const slope = (after.smoothed - before.smoothed) / 2;
    if (slope < (best?.slope ?? 0)) best = { rate: here.rate, slope };
  }
  return best?.rate;
}
