import type { HistogramCounts } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** Indices of the statistics of a tensor in addition to its buckets: count, minimum, maximum, sum, sum of squares. */
const FIGURES = 5;

/** Length of the result of {@link countOnDevice}. */
export const figuresOf = (bins: number): number => FIGURES + bins;

/** Computes the statistics of one tensor on the device, shape [5 + bins]. The histogram equals that of `makeHistogram`, up to the device's rounding. */
export function countOnDevice(tensor: tf.Tensor, bins: number): tf.Tensor1D {
  return tf.tidy(() => {
    const values = tensor.flatten();
    const [min, max] = [tf.min<tf.Scalar>(values), tf.max<tf.Scalar>(values)];
    const width = tf.sub(max, min);
    // If all numbers are equal, the range is empty, and all of them fall into the first bucket.
    const places = tf.floor(tf.divNoNan(tf.sub(values, min), width).mul(bins)).cast('int32');
    // Clip as integers, because clipping does not bound NaN, and a negative index would fail the step.
    const buckets = tf.minimum(tf.maximum(places, tf.scalar(0, 'int32')), tf.scalar(bins - 1, 'int32'));
    const counts = tf.bincount(buckets as tf.Tensor1D, tf.tensor1d([], 'float32'), bins);
    const figures = [tf.scalar(values.size), min, max, values.sum(), values.square().sum()];
    return tf.concat1d([tf.stack(figures) as tf.Tensor1D, counts]);
  });
}

/**
 * Makes a histogram from statistics that were computed on the device.
 *
 * @returns undefined if there are none. If a number was NaN or infinite, `nonFinite` counts all numbers, because the others are not known then
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
