import type { Communicator } from '@hookline/core';
import { type BatchStatistics, tf } from '@hookline/tfjs';

/**
 * Computes mean and variance of all values of a channel from those of batches.
 *
 * With B values in a batch of mean m and biased variance v, and T values so far, this batch included:
 * mean += (m - mean)·B/T and E[x²] += (m² + v - E[x²])·B/T, with the variance E[x²] - mean² (fvcore's update_bn_stats).
 * It keeps the variance instead of E[x²], to avoid cancellation when the mean is large:
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

  /** The biased variance, without the factor n / (n - 1). Undefined before the first batch. */
  get variance(): tf.Tensor | undefined {
    return this.#variance;
  }

  /** Adds the statistics of one batch, which the caller still has to dispose of. */
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

  /** Combines the statistics of all ranks; afterwards they are equal on all ranks. */
  async join(comm: Communicator): Promise<void> {
    const [mean, variance] = [this.#mean, this.#variance];
    if (comm.size === 1 || mean === undefined || variance === undefined) return;
    const what = 'the statistics of batch norm';
    const [means, variances] = await Promise.all([mean.data(), variance.data()]);
    const own = this.#count;
    const sums = await comm.allReduce(Float64Array.from([own, ...Array.from(means, (m) => m * own)]), 'sum', what);
    const count = sums[0] ?? own;
    const joined = sums.subarray(1).map((sum) => sum / count);
    // Sum the squares around the common mean, to avoid cancellation when it is large.
    const squares = joined.map((common, i) => ((variances[i] ?? 0) + ((means[i] ?? 0) - common) ** 2) * own);
    const spread = await comm.allReduce(squares, 'sum', what);
    const { shape } = mean;
    this.dispose();
    this.#count = count;
    this.#mean = tf.keep(tf.tensor(Float32Array.from(joined), shape));
    this.#variance = tf.keep(
      tf.tensor(
        Float32Array.from(spread, (square) => square / count),
        shape,
      ),
    );
  }

  dispose(): void {
    this.#mean?.dispose();
    this.#variance?.dispose();
    this.#mean = this.#variance = undefined;
  }
}
