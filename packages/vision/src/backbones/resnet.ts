import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
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
  type Layer,
  maxPool,
  sequence,
  torchConv,
} from '../layers/layers.ts';
import { linearLayer } from '../layers/linear.ts';
import type { Parameters } from '../layers/parameters.ts';
import { torchNames } from '../layers/weight-names.ts';

/** Options of {@link resnet}. */
export interface ResnetOptions extends FrozenOptions {
  /** Number of layers: 18 with basic blocks, or 50 with bottlenecks. */
  readonly depth: 18 | 50;
}

const OPTIONS = { depth: true, ...FROZEN_OPTIONS } as const satisfies OptionNames<ResnetOptions>;

/** Number of blocks in each stage, and the ratio of a block's output channels to those of its 3x3 convolutions. */
const DEPTHS = {
  18: { blocks: [2, 2, 2, 2], expansion: 1 },
  50: { blocks: [3, 4, 6, 3], expansion: 4 },
} as const;
/** Channels of the stem and of the 3x3 convolutions of each stage. */
const STEM_WIDTH = 64;
const WIDTHS = [64, 128, 256, 512] as const;
const STRIDES = [4, 8, 16, 32] as const;
const NORM: BatchNormOptions = { epsilon: 1e-5, momentum: 0.9, unbiased: true };

/**
 * A ResNet (He et al., 2016) as in torchvision, and in timm under the same names: bottlenecks have their stride in the 3x3
 * convolution ("v1.5"). It gives features at strides 4, 8, 16 and 32: the outputs of `layer1` to `layer4`, after their ReLU, with
 * 64, 128, 256 and 512 channels, or 4 times as many for depth 50. Stages to freeze: the stem, `layer1`, `layer2`, `layer3`, `layer4`.
 *
 * Weights are initialized as in torchvision, from the random stream of the run that builds the model.
 *
 * @example classifier({ backbone: resnet({ depth: 18 }), classNames: ['cat', 'dog'] })
 * @example detector({ classNames, backbone: featurePyramid(resnet({ depth: 50, frozenStages: 2, frozenBatchNorm: true })) })
 * @throws HooklineError `HKL_BACKBONE_OPTION` for another depth or number of stages, `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function resnet(options: ResnetOptions): ImageBackboneFactory {
  assertKnownOptions('resnet', options, OPTIONS);
  const { depth } = options;
  const shape = (DEPTHS as Partial<typeof DEPTHS>)[depth];
  if (shape === undefined) {
    throw new HooklineError('HKL_BACKBONE_OPTION', `there is no ResNet of depth ${String(depth)}`, {
      who: 'resnet',
      fix: 'Give depth: 18 or depth: 50',
    });
  }
  const frozen = frozenByStage('resnet', 1 + WIDTHS.length, options);
  return (parameters) => {
    const stem = parameters.freeze(frozen(0), () => makeStem(parameters));
    const stages = WIDTHS.map((_, stage) =>
      parameters.freeze(frozen(stage + 1), () => makeStage(parameters, stage, shape)),
    );
    const channels = WIDTHS.map((width) => width * shape.expansion);
    const backbone: ImageBackbone = {
      name: `resnet${depth}`,
      levels: STRIDES.map((stride, level) => ({ stride, channels: channels[level] as number })),
      pixels: IMAGENET_PIXELS,
      features: (images, training) => levelFeatures(stages, STRIDES, stem(images, training), training),
      head: (inHead, classes) => {
        const [, , , from] = channels as [number, number, number, number];
        const bound = 1 / Math.sqrt(from);
        const fc = linearLayer(inHead, 'head/fc', { from, to: classes, bound });
        return (coarsest) => fc(tf.mean<tf.Tensor2D>(coarsest, [1, 2]));
      },
      weightTable: () => torchNames(new Map([...parameters.trainable, ...parameters.state]), ['backbone', 'head']),
    };
    return backbone;
  };
}

function makeStem(parameters: Parameters): Layer {
  return sequence(
    torchConv(parameters, 'backbone/conv1', { kernel: 7, from: 3, to: STEM_WIDTH, stride: 2 }),
    batchNorm(parameters, 'backbone/bn1', STEM_WIDTH, NORM),
    (x) => maxPool(tf.relu(x)),
  );
}

interface Shape {
  readonly blocks: readonly number[];
  readonly expansion: 1 | 4;
}

function makeStage(parameters: Parameters, stage: number, { blocks, expansion }: Shape): Layer {
  const width = WIDTHS[stage] as number;
  const before = stage === 0 ? STEM_WIDTH : (WIDTHS[stage - 1] as number) * expansion;
  const block = expansion === 1 ? basicBlock : bottleneck;
  return sequence(
    ...Array.from({ length: blocks[stage] as number }, (_, place) =>
      block(parameters, `backbone/layer${stage + 1}/${place}`, {
        from: place === 0 ? before : width * expansion,
        width,
        stride: place === 0 && stage > 0 ? 2 : 1,
      }),
    ),
  );
}

interface BlockShape {
  readonly from: number;
  readonly width: number;
  readonly stride: number;
}

/** A basic block: two 3x3 convolutions with a shortcut. */
function basicBlock(parameters: Parameters, name: string, { from, width, stride }: BlockShape): Layer {
  return residual(
    parameters,
    name,
    { from, to: width, stride },
    sequence(
      convNorm(parameters, name, 1, { from, to: width, stride }),
      (x) => tf.relu(x),
      convNorm(parameters, name, 2, { from: width, to: width }),
    ),
  );
}

/** A bottleneck: a 3x3 convolution between two 1x1 convolutions; the last one has four times as many channels. */
function bottleneck(parameters: Parameters, name: string, { from, width, stride }: BlockShape): Layer {
  const to = 4 * width;
  return residual(
    parameters,
    name,
    { from, to, stride },
    sequence(
      convNorm(parameters, name, 1, { kernel: 1, from, to: width }),
      (x) => tf.relu(x),
      convNorm(parameters, name, 2, { from: width, to: width, stride }),
      (x) => tf.relu(x),
      convNorm(parameters, name, 3, { kernel: 1, from: width, to }),
    ),
  );
}

/** Adds a shortcut to a block: the input, projected by a 1x1 convolution when the shape changes. A ReLU follows. */
function residual(parameters: Parameters, name: string, options: ConvOptions, inner: Layer): Layer {
  const { from, to, stride = 1 } = options;
  const shortcut: Layer =
    from === to && stride === 1
      ? (x) => x
      : sequence(
          torchConv(parameters, `${name}/downsample/0`, { kernel: 1, from, to, stride }),
          batchNorm(parameters, `${name}/downsample/1`, to, NORM),
        );
  return (x, training) => tf.relu(inner(x, training).add<tf.Tensor4D>(shortcut(x, training)));
}

const convNorm = (parameters: Parameters, name: string, place: number, options: ConvOptions): Layer =>
  sequence(
    torchConv(parameters, `${name}/conv${place}`, options),
    batchNorm(parameters, `${name}/bn${place}`, options.to, NORM),
  );
