import tf from '#tfjs';
import { meanOverRanks } from '../ranks/step-ranks.ts';

/** A normalised batch with the statistics by which it was normalised. */
export interface NormalizedBatch {
  readonly output: tf.Tensor;
  /** Mean of each channel, shape [channels]; no gradient flows through it. */
  readonly mean: tf.Tensor1D;
  /** Biased variance of each channel, shape [channels]; no gradient flows through it. */
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalisation by statistics over the batches of all ranks, which may differ in size (PyTorch's SyncBatchNorm).
 * It computes the mean first and then the variance around it; computing both at once would lose the digits of the
 * variance for large means.
 *
 * @param scale shape [channels]
 * @param offset shape [channels]
 */
export function syncBatchNorm(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): NormalizedBatch {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const channels = scale.size;
  const statistics: { mean?: tf.Tensor1D; variance?: tf.Tensor1D } = {};
  /** Divides sums per channel, taken over all ranks, by the number of values per channel on all ranks. */
  const perValue = (...sums: readonly tf.Tensor[]): tf.Tensor[] => {
    const counts = tf.fill([1], x.size / channels);
    const parts = tf.split(meanOverRanks(tf.concat([...sums, counts])), [...sums.map(() => channels), 1]);
    const count = parts.pop() as tf.Tensor;
    return parts.map((sum) => sum.div(count));
  };
  const output = tf.customGrad((...inputs) => {
    const [from, gamma, beta] = inputs.slice(0, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const save = inputs.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
    const [mean] = perValue(from.sum(axes)) as [tf.Tensor1D];
    const centred = from.sub(mean);
    const [variance] = perValue(centred.square().sum(axes)) as [tf.Tensor1D];
    statistics.mean = tf.keep(mean.clone());
    statistics.variance = tf.keep(variance.clone());
    const inverse = variance.add(epsilon).rsqrt();
    const normalized = centred.mul(inverse);
    save([normalized, inverse, gamma]);
    return {
      value: normalized.mul(gamma).add(beta),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [unit, width, factor] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const sum = dy.sum(axes);
        const product = dy.mul(unit).sum(axes);
        const [meanSum, meanProduct] = perValue(sum, product) as [tf.Tensor, tf.Tensor];
        return [dy.sub(meanSum).sub(unit.mul(meanProduct)).mul(width.mul(factor)), product, sum];
      },
    };
  })(x, scale, offset);
  // Clone the statistics kept by the function above: tfjs disposes of every other tensor that it creates.
  const [mean, variance] = [statistics.mean, statistics.variance].map((kept) => {
    const copy = (kept as tf.Tensor).clone();
    (kept as tf.Tensor).dispose();
    return copy as tf.Tensor1D;
  }) as [tf.Tensor1D, tf.Tensor1D];
  return { output, mean, variance };
}
