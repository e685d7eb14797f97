import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { meanOverRanks, ranksOfStep, tf } from '@hookline/tfjs';
import { conv, type Layer } from '../layers/layers.ts';
import type { Feature } from '../backbones/backbone.ts';
import { corners, giouLoss } from './box-losses.ts';
import { cellCentres, type CellTargets, centreSampling, levelSizes } from './centre-sampling.ts';
import type { DenseHead, HeadFactory } from './dense-head.ts';
import { FOCAL_OPTIONS, type FocalLossOptions, oneHotClasses, sigmoidFocalLoss } from './focal-loss.ts';
import { headTower } from './head-tower.ts';

/** Options of {@link fcosHead}. */
export interface FcosHeadOptions {
  /** Number of 3x3 convolutions before the predictions. @default 2 */
  readonly convs?: number;
  /** Maximum distance of positive cells from an object's centre, in strides. @default 1.5 */
  readonly radius?: number;
  /** Weights of the focal loss. @default { alpha: 0.25, gamma: 2 } */
  readonly focal?: FocalLossOptions;
  /** Weight of the box loss. @default 2 */
  readonly boxWeight?: number;
  /**
   * Weight of an additional softmax cross entropy between the classes at the positive cells. It separates classes that look alike,
   * which the focal loss learns late. 0 omits it. @default 0
   */
  readonly softmaxWeight?: number;
}

const OPTIONS = {
  convs: true,
  radius: true,
  focal: true,
  boxWeight: true,
  softmaxWeight: true,
} as const satisfies OptionNames<FcosHeadOptions>;

/**
 * Initial bias of the class logits (Lin et al., 2017, section 4.1). It makes all scores 0.01, so that the many negatives do not
 * dominate the first steps.
 */
export const PRIOR_BIAS = -Math.log(99);
/** Standard deviation of the initial weights of the last convolutions. */
export const FINAL_DEVIATION = 0.01;
/** Upper limit of an output, the logarithm of a distance in cells, so that no box becomes infinite. */
const LARGEST = 8;

/**
 * The head of FCOS (Tian et al., 2019) without centerness. Each cell predicts class scores and the distances from its centre to
 * the four sides of the box, as stride · exp(output). The losses are the sigmoid focal loss and the GIoU loss, both divided by the
 * number of positive cells in the batches of all ranks.
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function fcosHead(options: FcosHeadOptions = {}): HeadFactory {
  assertKnownOptions('fcosHead', options, OPTIONS);
  assertKnownOptions('option "focal" of fcosHead', options.focal, FOCAL_OPTIONS);
  const { convs = 2, radius = 1.5, focal, boxWeight = 2, softmaxWeight = 0 } = options;
  return (parameters, { channels, strides, classes }) => {
    const tower = headTower(parameters, 'head', { convs, channels, strides });
    const classify = conv(parameters, 'head/class', {
      kernel: 1,
      from: channels,
      to: classes,
      bias: PRIOR_BIAS,
      deviation: FINAL_DEVIATION,
    });
    const regress = conv(parameters, 'head/box', {
      kernel: 1,
      from: channels,
      to: 4,
      bias: 0,
      deviation: FINAL_DEVIATION,
    });
    const sizes = levelSizes(strides);
    const outputs = (features: readonly Feature[], training: boolean) =>
      features.map((feature, level) => {
        const shared = (tower[level] as Layer)(feature.tensor, training);
        const logits = classify(shared, training);
        const cells = feature.tensor.shape[1] * feature.tensor.shape[2];
        return {
          logits: logits.reshape<tf.Tensor3D>([logits.shape[0], cells, classes]),
          boxes: decodeDistances(regress(shared, training), feature),
        };
      });
    const head: DenseHead = {
      losses(features, objects, training) {
        const levels = outputs(features, training);
        const targets = features.map((feature, level) =>
          centreSampling(feature, objects, { radius, sizes: sizes[level] as [number, number] }),
        );
        return fcosLosses(levels, targets, { classes, focal, boxWeight, softmaxWeight });
      },
      predict(features, training) {
        const levels = outputs(features, training);
        return {
          boxes: tf.concat(
            levels.map(({ boxes }) => boxes),
            1,
          ),
          scores: tf.sigmoid(
            tf.concat(
              levels.map(({ logits }) => logits),
              1,
            ),
          ),
        };
      },
    };
    return head;
  };
}

interface Level {
  readonly logits: tf.Tensor3D;
  readonly boxes: tf.Tensor3D;
}

function fcosLosses(
  levels: readonly Level[],
  targets: readonly CellTargets[],
  {
    classes,
    focal,
    boxWeight,
    softmaxWeight,
  }: { classes: number; focal: FocalLossOptions | undefined; boxWeight: number; softmaxWeight: number },
): Record<string, tf.Scalar> {
  const join = <T extends tf.Tensor>(parts: readonly T[]): T =>
    parts.length === 1 ? (parts[0] as T) : tf.concat([...parts], 1);
  const positive = join(targets.map((target) => target.positive));
  const oneHot = oneHotClasses(join(targets.map((target) => target.classes)), classes).mul(positive);
  // The losses of all ranks are averaged, so each divides by an equal share of the positives of all ranks.
  const count = tf.maximum(meanOverRanks(positive.sum()), 1 / ranksOfStep());
  const logits = join(levels.map((level) => level.logits));
  const apart = giouLoss(join(levels.map(({ boxes }) => boxes)), join(targets.map((target) => target.boxes)));
  return {
    loss_cls: sigmoidFocalLoss(logits, oneHot, focal).sum().div<tf.Scalar>(count),
    loss_box_reg: apart.mul(positive).sum().div(count).mul<tf.Scalar>(boxWeight),
    // With one class the softmax is always 1.
    ...(softmaxWeight > 0 && classes > 1
      ? { loss_cls_softmax: tf.logSoftmax(logits).mul(oneHot).sum().div(count).mul<tf.Scalar>(-softmaxWeight) }
      : {}),
  };
}

/** Decodes outputs [batch, height, width, 4] to corners [batch, cells, 4]. */
function decodeDistances(output: tf.Tensor4D, { stride }: Feature): tf.Tensor3D {
  const [batch, height, width] = output.shape;
  const [left, top, right, bottom] = corners(tf.exp(tf.clipByValue(output, -LARGEST, LARGEST)).mul(stride));
  const x = cellCentres(width, stride).reshape([1, 1, width, 1]);
  const y = cellCentres(height, stride).reshape([1, height, 1, 1]);
  return tf.concat([x.sub(left), y.sub(top), x.add(right), y.add(bottom)], 3).reshape([batch, height * width, 4]);
}
