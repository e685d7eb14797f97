import type tf from '#tfjs';

/** A normalised batch with the statistics that it was normalised by. */
export interface NormalizedBatch {
  readonly output: tf.Tensor;
  /** Mean of each channel, shape [channels]; no gradient flows through it. */
  readonly mean: tf.Tensor1D;
  /** Biased variance of each channel, shape [channels]; no gradient flows through it. */
  readonly variance: tf.Tensor1D;
}
