import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** Options of {@link classificationLoss}. */
export interface ClassificationLossOptions {
  /** Label smoothing: share of the target that is spread evenly over all classes. @default 0 */
  readonly labelSmoothing?: number;
  /** Weight of each class. @default 1 for each */
  readonly classWeights?: readonly number[];
}

const OPTIONS = { labelSmoothing: true, classWeights: true } as const satisfies OptionNames<ClassificationLossOptions>;

/**
 * Mean softmax cross entropy, equal to PyTorch's `cross_entropy` with `label_smoothing` and `weight`. With weights, the weighted
 * sum is divided by the sum of the true classes' weights.
 *
 * @param logits float32 [batch, classes]
 * @param labels true classes from 0, int32 [batch]
 * @returns a scalar, float32
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function classificationLoss(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  options: ClassificationLossOptions = {},
): tf.Scalar {
  assertKnownOptions('classificationLoss', options, OPTIONS);
  const { labelSmoothing = 0, classWeights } = options;
  const classes = logits.shape[1];
  const oneHot = tf.oneHot(labels, classes).cast('float32');
  const target = labelSmoothing === 0 ? oneHot : oneHot.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  const entropy = tf.logSoftmax(logits).mul(target);
  if (classWeights === undefined) return entropy.sum(1).mean().neg().asScalar();
  const weights = tf.tensor1d([...classWeights]);
  // A batch in which all weights are 0 has a loss of 0.
  const total = tf.maximum(oneHot.mul(weights).sum(), 1e-12);
  return entropy.mul(weights).sum().div(total).neg().asScalar();
}
