import { type BatchStatistics, tf } from '@hookline/tfjs';

/**
 * Mean and variance of all values of a channel, from those of batches.
 *
 * With B values in a batch of mean m and biased variance v, and T values so far, this batch included:
 * mean += (m - mean)·B/T and E[x²] += (m² + v - E[x²])·B/T, with the variance E[x²] - mean² (fvcore's update_bn_stats).
 * The variance is kept itself rather than E[x²], so that nothing cancels where the mean is large:
 * var += (v - var + (m - mean)²·(T - B)/T)·B/T, with the mean before its own update.
 */
export class PopulationStatistics {
  #count = 0;
  #mean: tf.Tensor | undefined;
  #variance: tf.Tensor | undefined;

  /** Undefined before the first batch. */
  get mean(): tf.Tensor | undefined {
    return this.#mean;
  }

  /** Of the population: not corrected by n / (n - 1). Undefined before the first batch. */
  get variance(): tf.Tensor | undefined {
    return this.#variance;
  }

  /** Takes in the statistics of one batch; they stay the caller's. */
  add({ mean: m, variance: v, count }: BatchStatistics): void {
    this.#count += count;
    const share = count / this.#count;
    const [oldMean, oldVariance] = [this.#mean, this.#variance];
    const next = tf.tidy(() => {
      if (oldMean === undefined || oldVariance === undefined) return [m.clone(), v.clone()];
      const shift = m.sub(oldMean);
      const spread = shift.square().mul(1 - share);
      return [oldMean.add(shift.mul(share)), oldVariance.add(v.sub(oldVariance).add(spread).mul(share))];
    });
    [this.#mean, this.#variance] = next.map((tensor) => tf.keep(tensor)) as [tf.Tensor, tf.Tensor];
    tf.dispose([oldMean, oldVariance].filter((tensor) => tensor !== undefined));
  }

  dispose(): void {
    this.#mean?.dispose();
    this.#variance?.dispose();
    this.#mean = this.#variance = undefined;
  }
}
