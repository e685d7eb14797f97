import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { meanOverRanks, ranksOfStep, tf } from '@hookline/tfjs';
import { conv, type Layer } from '../layers/layers.ts';
import type { Feature } from '../backbones/backbone.ts';
import { matchAnchors, type MatchingOptions } from './anchor-matching.ts';
import { type AnchorOptions, anchorShapes, makeAnchors } from './anchors.ts';
import { decodeDeltas, encodeDeltas } from './box-deltas.ts';
import { giouLoss, smoothL1Loss } from './box-losses.ts';
import type { DenseHead, HeadFactory, Objects } from './dense-head.ts';
import { FOCAL_OPTIONS, type FocalLossOptions, oneHotClasses, sigmoidFocalLoss } from './focal-loss.ts';
import { FINAL_DEVIATION, PRIOR_BIAS } from './fcos-head.ts';
import { headTower } from './head-tower.ts';

/** Options of {@link retinaHead}. */
export interface RetinaHeadOptions extends AnchorOptions, Partial<MatchingOptions> {
  /** Number of 3x3 convolutions before the predictions of classes, and before those of boxes. @default 2 */
  readonly convs?: number;
  /** Weights of the focal loss. @default { alpha: 0.25, gamma: 2 } */
  readonly focal?: FocalLossOptions;
  /** Box loss: `smooth-l1` on the deltas, or `giou` on the boxes. @default 'smooth-l1' */
  readonly boxLoss?: 'smooth-l1' | 'giou';
  /** Difference at which the smooth L1 loss becomes linear. @default 0.1 */
  readonly beta?: number;
  /** Weight of the box loss. @default 1 */
  readonly boxWeight?: number;
}

const OPTIONS = {
  convs: true,
  focal: true,
  boxLoss: true,
  beta: true,
  boxWeight: true,
  sizes: true,
  ratios: true,
  foreground: true,
  background: true,
} as const satisfies OptionNames<RetinaHeadOptions>;

/** Momentum and initial value of the moving average of the number of positive anchors. */
const MOMENTUM = 0.9;
const FIRST_NORMALIZER = 100;

/**
 * The head of RetinaNet (Lin et al., 2017), with anchors of several sizes and ratios at each cell. The losses are the sigmoid focal
 * loss, and the smooth L1 loss on deltas or the GIoU loss on boxes. Both are divided by a moving average of the number of positive
 * anchors in the batches of all ranks, as in detectron2.
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN`; `HKL_DETECT_ANCHORS`, when the model is made, for invalid sizes or ratios
 */
export function retinaHead(options: RetinaHeadOptions = {}): HeadFactory {
  assertKnownOptions('retinaHead', options, OPTIONS);
  assertKnownOptions('option "focal" of retinaHead', options.focal, FOCAL_OPTIONS);
  const { convs = 2, foreground = 0.5, background = 0.4 } = options;
  return (parameters, { channels, strides, classes }) => {
    const shapes = anchorShapes(options, strides);
    const each = (shapes[0] as readonly unknown[]).length;
    const towers = ['class', 'box'].map((kind) =>
      headTower(parameters, `head/${kind}_tower`, { convs, channels, strides }),
    ) as [Layer[], Layer[]];
    const final = { kernel: 1, from: channels, deviation: FINAL_DEVIATION };
    const classify = conv(parameters, 'head/class', { ...final, to: each * classes, bias: PRIOR_BIAS });
    const regress = conv(parameters, 'head/box', { ...final, to: each * 4, bias: 0 });
    const normalizer = parameters.average('head/normalizer', () => tf.scalar(FIRST_NORMALIZER));

    const outputs = (features: readonly Feature[], training: boolean) => {
      const run = (towerOf: readonly Layer[], last: Layer, size: number): tf.Tensor3D =>
        tf.concat(
          features.map(({ tensor }, level) =>
            last((towerOf[level] as Layer)(tensor, training), training).reshape<tf.Tensor3D>([
              tensor.shape[0],
              -1,
              size,
            ]),
          ),
          1,
        );
      return { logits: run(towers[0], classify, classes), deltas: run(towers[1], regress, 4) };
    };
    const anchorsOf = (features: readonly Feature[]): tf.Tensor2D =>
      tf.concat(
        features.map(({ tensor: { shape }, stride }, level) => {
          const anchors = makeAnchors(shapes[level] as [number, number][], {
            height: shape[1],
            width: shape[2],
            stride,
          });
          return tf.tensor2d(anchors, [anchors.length / 4, 4]);
        }),
      );
    const head: DenseHead = {
      losses(features, objects, training) {
        const anchors = anchorsOf(features);
        const losses = retinaLosses(outputs(features, training), anchors, objects, {
          ...options,
          foreground,
          background,
          classes,
        });
        const ranks = ranksOfStep();
        const positives = ranks === 1 ? losses.positives : meanOverRanks(losses.positives).mul<tf.Scalar>(ranks);
        const average = normalizer.mul(MOMENTUM).add(tf.maximum(positives, 1).mul(1 - MOMENTUM));
        if (training) normalizer.assign(average);
        // The losses of all ranks are averaged, so each divides by an equal share of the positives of all ranks.
        const share = ranks === 1 ? average : average.div(ranks);
        return { loss_cls: losses.loss_cls.div(share), loss_box_reg: losses.loss_box_reg.div(share) };
      },
      predict(features, training) {
        const { logits, deltas } = outputs(features, training);
        return { boxes: decodeDeltas(deltas, anchorsOf(features)), scores: tf.sigmoid(logits) };
      },
    };
    return head;
  };
}

function retinaLosses(
  { logits, deltas }: { readonly logits: tf.Tensor3D; readonly deltas: tf.Tensor3D },
  anchors: tf.Tensor2D,
  objects: Objects,
  options: RetinaHeadOptions & MatchingOptions & { readonly classes: number },
): { loss_cls: tf.Scalar; loss_box_reg: tf.Scalar; positives: tf.Scalar } {
  const { classes, focal, boxLoss = 'smooth-l1', beta = 0.1, boxWeight = 1 } = options;
  const targets = matchAnchors(anchors, objects, options);
  const oneHot = oneHotClasses(targets.classes, classes).mul(targets.positive);
  const apart =
    boxLoss === 'giou'
      ? giouLoss(decodeDeltas(deltas, anchors), targets.boxes)
      : smoothL1Loss(deltas, encodeDeltas(targets.boxes, anchors), beta);
  return {
    loss_cls: sigmoidFocalLoss(logits, oneHot, focal).mul(targets.counted).sum(),
    loss_box_reg: apart.mul(targets.positive).sum().mul(boxWeight),
    positives: targets.positive.sum(),
  };
}
