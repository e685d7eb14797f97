import type { OptionNames } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** Options of `sigmoidFocalLoss`. */
export interface FocalLossOptions {
  /** Weight of positives; negatives have the weight 1 - alpha. @default 0.25 */
  readonly alpha?: number;
  /** Exponent that reduces the loss of well-classified places; 0 gives the weighted cross entropy. @default 2 */
  readonly gamma?: number;
}

/** All names of {@link FocalLossOptions}. */
export const FOCAL_OPTIONS = { alpha: true, gamma: true } as const satisfies OptionNames<FocalLossOptions>;

/**
 * The elementwise sigmoid focal loss of Lin et al. (2017): -α_t (1 - p_t)^γ log p_t.
 *
 * @param targets 1 or 0, in the shape of `logits`
 * @returns in the shape of `logits`
 */
export function sigmoidFocalLoss(
  logits: tf.Tensor,
  targets: tf.Tensor,
  { alpha = 0.25, gamma = 2 }: FocalLossOptions = {},
): tf.Tensor {
  // With the sign flipped for negatives, p_t is the sigmoid of this value for both.
  const right = logits.mul(targets.mul(2).sub(1));
  const crossEntropy = tf.softplus(right.neg());
  const wrong = tf.sigmoid(right.neg());
  const weight = targets.mul(2 * alpha - 1).add(1 - alpha);
  const faded = gamma === 2 ? wrong.square() : gamma === 1 ? wrong : wrong.pow(gamma);
  return crossEntropy.mul(faded).mul(weight);
}

/**
 * One-hot targets of a class loss: 1 at the class of each place, else 0.
 *
 * @param classes int32, of any shape
 * @returns float32, in the shape of `classes` with a last axis of length `count`
 */
export function oneHotClasses(classes: tf.Tensor, count: number): tf.Tensor {
  // tf.oneHot refuses a depth of 1, which a detector of one class needs.
  if (count === 1) return classes.equal(0).cast('float32').expandDims(-1);
  return tf.oneHot(classes, count).cast('float32');
}
