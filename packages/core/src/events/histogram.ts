import { HooklineError } from '../errors.ts';

/** The distribution of some numbers at an iteration. */
export interface HistogramEvent {
  readonly name: string;
  readonly iteration: number;
  /** How many finite numbers there were; the other fields are about these. */
  readonly num: number;
  /** How many were NaN or infinite. */
  readonly nonFinite: number;
  /** Zero when `num` is. */
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Right edge of each bucket, rising; the last one is `max`, or a little more when all numbers are equal. */
  readonly bucketLimits: Float64Array;
  /** Numbers in each bucket; they add up to `num`. */
  readonly bucketCounts: Float64Array;
}

/** A histogram without its name and iteration. */
export type HistogramCounts = Omit<HistogramEvent, 'name' | 'iteration'>;

/**
 * Counts numbers in buckets of equal width from their smallest to their largest; a number on an edge belongs to the
 * bucket on its right, the largest to the last one.
 *
 * @throws HKL_HISTOGRAM when there are no numbers, or `bins` is no positive integer
 */
export function makeHistogram(
  name: string,
  values: ArrayLike<number>,
  iteration: number,
  bins: number,
): HistogramEvent {
  const { length } = values;
  if (!(length > 0) || !Number.isInteger(bins) || bins < 1) {
    const what = length > 0 ? `${bins} bins are impossible` : 'there are no numbers to count';
    throw new HooklineError('HKL_HISTOGRAM', what, {
      who: `histogram "${name}"`,
      where: `iteration ${iteration}`,
      fix: 'Give an array of at least one number, and bins as an integer of at least 1',
    });
  }
  let [num, min, max, sum, sumSquares] = [0, Infinity, -Infinity, 0, 0];
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    num++;
    sum += value;
    sumSquares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (num === 0) min = max = 0;

  // Equal numbers have no width; room on both sides keeps the edges rising.
  const room = min === max ? Math.max(1, Math.abs(min) * 1e-6) : 0;
  const [left, right] = [min - room, max + room];
  // Computed in halves, since the difference of very large numbers overflows.
  const halfWidth = right / 2 - left / 2;
  const bucketCounts = new Float64Array(bins);
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    const bucket = Math.min(bins - 1, Math.floor(((value / 2 - left / 2) / halfWidth) * bins));
    bucketCounts[bucket] = (bucketCounts[bucket] ?? 0) + 1;
  }
  const bucketLimits = Float64Array.from({ length: bins }, (_, i) =>
    i === bins - 1 ? right : left + halfWidth * ((2 * (i + 1)) / bins),
  );
  return { name, iteration, num, nonFinite: length - num, min, max, sum, sumSquares, bucketLimits, bucketCounts };
}
