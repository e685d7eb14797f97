import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import {
  FROZEN_OPTIONS,
  type FrozenOptions,
  frozenByStage,
  levelFeatures,
  IMAGENET_PIXELS,
  type ImageBackbone,
  type ImageBackboneFactory,
} from './backbone.ts';
import {
  batchNorm,
  type BatchNormOptions,
  type ConvOptions,
  depthwiseConv,
  type DepthwiseOptions,
  hardSigmoid,
  hardSwish,
  type Layer,
  sequence,
  torchConv,
} from '../layers/layers.ts';
import { linearLayer } from '../layers/linear.ts';
import type { Frozen, Parameters } from '../layers/parameters.ts';
import { torchNames } from '../layers/weight-names.ts';

/** Options of {@link mobilenetV3Small}. */
export type MobilenetV3Options = FrozenOptions;

/** A block: kernel size of its depthwise convolution, inner and output channels, squeeze-and-excitation, activation, stride. */
interface Block {
  readonly kernel: 3 | 5;
  readonly inner: number;
  readonly to: number;
  readonly squeeze: boolean;
  readonly swish: boolean;
  readonly stride: 1 | 2;
}

const block = (
  kernel: 3 | 5,
  inner: number,
  to: number,
  squeeze: boolean,
  activation: 'relu' | 'swish',
  stride: 1 | 2,
): Block => ({ kernel, inner, to, squeeze, swish: activation === 'swish', stride });

/** The blocks of each stride from 4 to 32, as in table 2 of Howard et al. */
const STAGES: readonly (readonly Block[])[] = [
  [block(3, 16, 16, true, 'relu', 2)],
  [block(3, 72, 24, false, 'relu', 2), block(3, 88, 24, false, 'relu', 1)],
  [
    block(5, 96, 40, true, 'swish', 2),
    block(5, 240, 40, true, 'swish', 1),
    block(5, 240, 40, true, 'swish', 1),
    block(5, 120, 48, true, 'swish', 1),
    block(5, 144, 48, true, 'swish', 1),
  ],
  [block(5, 288, 96, true, 'swish', 2), block(5, 576, 96, true, 'swish', 1), block(5, 576, 96, true, 'swish', 1)],
];
const STRIDES = [4, 8, 16, 32] as const;
/** Channels of the stem, of the last convolution, and of the head's hidden layer. */
const [STEM_WIDTH, LAST_WIDTH, HIDDEN] = [16, 576, 1024] as const;
const DROPOUT = 0.2;
const NORM: BatchNormOptions = { epsilon: 1e-3, momentum: 0.99, unbiased: true };

const relu: Layer = (x) => tf.relu(x);

/**
 * MobileNetV3-Small (Howard et al., 2019) as in torchvision. It gives features at strides 4, 8, 16 and 32, from the last layer
 * with each stride, with 16, 24, 48 and 576 channels. The coarsest one follows the 1x1 convolution before the classifier's
 * pooling. Stages to freeze: the stem (`features.0`), `features.1`, `features.2-3`, `features.4-8`, `features.9-12`.
 *
 * timm's networks of this name have the same layers under other names.
 *
 * @example classifier({ backbone: mobilenetV3Small(), classNames: ['cat', 'dog'] })
 * @throws HooklineError `HKL_BACKBONE_OPTION` for more frozen stages than there are, `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function mobilenetV3Small(options: MobilenetV3Options = {}): ImageBackboneFactory {
  assertKnownOptions('mobilenetV3Small', options, FROZEN_OPTIONS satisfies OptionNames<MobilenetV3Options>);
  const frozen = frozenByStage('mobilenetV3Small', 1 + STAGES.length, options);
  return (parameters) => {
    const stem = parameters.freeze(frozen(0), () =>
      convNorm(parameters, 'backbone/features/0', { from: 3, to: STEM_WIDTH, stride: 2 }, hardSwish),
    );
    const blocks = makeBlocks(parameters, (stage) => frozen(stage + 1));
    const backbone: ImageBackbone = {
      name: 'mobilenetV3Small',
      levels: STRIDES.map((stride, level) => ({
        stride,
        channels: level === STRIDES.length - 1 ? LAST_WIDTH : ((STAGES[level] as Block[]).at(-1) as Block).to,
      })),
      pixels: IMAGENET_PIXELS,
      features: (images, training) => levelFeatures(blocks, STRIDES, stem(images, training), training),
      head: (inHead, classes) => {
        const hidden = linearLayer(inHead, 'head/classifier/0', { from: LAST_WIDTH, to: HIDDEN });
        const last = linearLayer(inHead, 'head/classifier/3', { from: HIDDEN, to: classes });
        return (coarsest, training) => {
          const pooled = hidden(tf.mean<tf.Tensor2D>(coarsest, [1, 2]));
          const swished = pooled.mul<tf.Tensor2D>(tf.relu6(pooled.add(3)).div(6));
          return last(training ? (tf.dropout(swished, DROPOUT) as tf.Tensor2D) : swished);
        };
      },
      weightTable: () => torchNames(new Map([...parameters.trainable, ...parameters.state]), ['backbone', 'head']),
    };
    return backbone;
  };
}

/** Makes the stages after the stem, with torchvision's numbers for their blocks; the last one ends with a convolution. */
function makeBlocks(parameters: Parameters, frozen: (stage: number) => Frozen): Layer[] {
  let [place, from] = [1, STEM_WIDTH as number];
  return STAGES.map((stage, level) =>
    parameters.freeze(frozen(level), () => {
      const layers = stage.map((each) => {
        const made = invertedResidual(parameters, `backbone/features/${place++}/block`, from, each);
        from = each.to;
        return made;
      });
      if (level === STAGES.length - 1) {
        const last = { kernel: 1, from, to: LAST_WIDTH };
        layers.push(convNorm(parameters, `backbone/features/${place}`, last, hardSwish));
      }
      return sequence(...layers);
    }),
  );
}

/** Inverted residual: 1x1 expansion, depthwise convolution, optional squeeze-and-excitation, 1x1 projection. */
function invertedResidual(parameters: Parameters, name: string, from: number, shape: Block): Layer {
  const { kernel, inner, to, squeeze, swish, stride } = shape;
  const activation = swish ? hardSwish : relu;
  const layers: Layer[] = [];
  // torchvision numbers only the layers that a block has.
  const next = (): string => `${name}/${layers.length}`;
  if (inner !== from) layers.push(convNorm(parameters, next(), { kernel: 1, from, to: inner }, activation));
  layers.push(depthwiseNorm(parameters, next(), { kernel, channels: inner, stride }, activation));
  if (squeeze) layers.push(squeezeExcite(parameters, next(), inner));
  layers.push(convNorm(parameters, next(), { kernel: 1, from: inner, to }, (x) => x));
  const all = sequence(...layers);
  return stride === 1 && from === to ? (x, training) => all(x, training).add<tf.Tensor4D>(x) : all;
}

/** Squeeze-and-excitation: scales each channel by a weight computed from the channels' global averages. */
function squeezeExcite(parameters: Parameters, name: string, channels: number): Layer {
  const squeezed = divisible(channels / 4);
  const first = torchConv(parameters, `${name}/fc1`, { kernel: 1, from: channels, to: squeezed, bias: 0 });
  const second = torchConv(parameters, `${name}/fc2`, { kernel: 1, from: squeezed, to: channels, bias: 0 });
  return (x, training) => {
    const pooled = tf.mean<tf.Tensor4D>(x, [1, 2], true);
    return x.mul(hardSigmoid(second(tf.relu(first(pooled, training)), training)));
  };
}

/** Rounds to a multiple of 8, but not to less than nine tenths of `channels`. */
function divisible(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

const convNorm = (parameters: Parameters, name: string, options: ConvOptions, activation: Layer): Layer =>
  sequence(
    torchConv(parameters, `${name}/0`, options),
    batchNorm(parameters, `${name}/1`, options.to, NORM),
    activation,
  );

function depthwiseNorm(parameters: Parameters, name: string, options: DepthwiseOptions, activation: Layer): Layer {
  const deviation = Math.sqrt(2 / (options.kernel ** 2 * options.channels));
  return sequence(
    // PyTorch's fan-out counts all output channels, although each depthwise filter has one.
    depthwiseConv(parameters, `${name}/0`, { ...options, deviation }),
    batchNorm(parameters, `${name}/1`, options.channels, NORM),
    activation,
  );
}
