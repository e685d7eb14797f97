import type { HistogramCounts } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** What is counted of a tensor besides its buckets, by place: how many numbers, smallest, largest, sum, sum of squares. */
const FIGURES = 5;

/** How many numbers {@link countOnDevice} makes. */
export const figuresOf = (bins: number): number => FIGURES + bins;

/** The figures of one tensor, on the device: [5 + bins]. The histogram is that of `makeHistogram`, in the arithmetic of the device. */
export function countOnDevice(tensor: tf.Tensor, bins: number): tf.Tensor1D {
  return tf.tidy(() => {
    const values = tensor.flatten();
    const [min, max] = [tf.min<tf.Scalar>(values), tf.max<tf.Scalar>(values)];
    const width = tf.sub(max, min);
    // Equal numbers have no width: all of them fall into the first bucket.
    const places = tf.floor(tf.divNoNan(tf.sub(values, min), width).mul(bins)).cast('int32');
    // As integers, since NaN has no bound, and a negative place would be an error of the step.
    const buckets = tf.minimum(tf.maximum(places, tf.scalar(0, 'int32')), tf.scalar(bins - 1, 'int32'));
    const counts = tf.bincount(buckets as tf.Tensor1D, tf.tensor1d([], 'float32'), bins);
    const figures = [tf.scalar(values.size), min, max, values.sum(), values.square().sum()];
    return tf.concat1d([tf.stack(figures) as tf.Tensor1D, counts]);
  });
}

/**
 * A histogram of figures that were counted on the device.
 *
 * @returns undefined where there are none; `nonFinite` counts all where a number was NaN or infinite, since the others are not known then
 */
export function histogramOf(figures: Float32Array): HistogramCounts | undefined {
  const [size = 0, min = 0, max = 0, sum = 0, sumSquares = 0] = figures;
  if (size === 0) return undefined;
  const bins = figures.length - FIGURES;
  const isFinite = [min, max, sum].every(Number.isFinite);
  const [left, right] = isFinite ? [min, min === max ? min + Math.max(1, Math.abs(min) * 1e-6) : max] : [0, 1];
  const bucketLimits = Float64Array.from({ length: bins }, (_, i) =>
    i === bins - 1 ? right : left + (right - left) * ((i + 1) / bins),
  );
  if (!isFinite) {
    const none = { num: 0, min: 0, max: 0, sum: 0, sumSquares: 0 };
    return { ...none, nonFinite: size, bucketLimits, bucketCounts: new Float64Array(bins) };
  }
  return {
    num: size,
    nonFinite: 0,
    min,
    max,
    sum,
    sumSquares,
    bucketLimits,
    bucketCounts: Float64Array.from(figures.slice(FIGURES)),
  };
}
