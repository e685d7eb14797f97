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
  const losses = points.map(({ smoothed }) => smoothed);
  const smallest = losses.reduce((at, loss, i) => (loss < (losses[at] as number) ? i : at), 0);
  let steepest = { slope: 0, rate: undefined as number | undefined };
  for (let i = first; i < points.length - SKIPPED.atEnd && i <= smallest; i++) {
    const slope = ((losses[i + 1] as number) - (losses[i - 1] as number)) / 2;
    if (slope < steepest.slope) steepest = { slope, rate: points[i]?.rate };
  }
  return steepest.rate;
}
