import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import type { BackboneFactory, Feature, ImageBackboneFactory } from './backbone.ts';
import { conv, type Layer, upsample } from '../layers/layers.ts';
import type { Parameters } from '../layers/parameters.ts';
import { torchNames } from '../layers/weight-names.ts';

/** Options of {@link featurePyramid}. */
export interface FeaturePyramidOptions {
  /** Channels of the features. @default 128 */
  readonly channels?: number;
  /** Strides of the features: some of 4, 8, 16 and 32. @default [8, 16, 32] */
  readonly strides?: readonly number[];
}

const OPTIONS = { channels: true, strides: true } as const satisfies OptionNames<FeaturePyramidOptions>;

/**
 * Makes a detector's backbone from a classification network by a feature pyramid (Lin et al., Feature Pyramid Networks, 2017).
 * Each feature passes a 1x1 convolution, the next coarser one is upsampled by 2 and added, and a 3x3 convolution follows. All
 * features have the same number of channels. Variables for stride 2³ are named `fpn/lateral3` and `fpn/output3`.
 *
 * @example detector({ classNames, backbone: featurePyramid(resnet({ depth: 18 }), { channels: 64 }) })
 * @throws HooklineError `HKL_BACKBONE_OPTION`, when the model is made, for strides that the network does not have,
 * `HKL_OPTION_UNKNOWN`
 */
export function featurePyramid(network: ImageBackboneFactory, options: FeaturePyramidOptions = {}): BackboneFactory {
  assertKnownOptions('featurePyramid', options, OPTIONS);
  const { channels = 128, strides = [8, 16, 32] } = options;
  return (parameters) => {
    const bottomUp = network(parameters);
    const { levels, pixels } = bottomUp;
    const available = levels.map(({ stride }) => stride);
    checkStrides(strides, available);
    const finest = available.indexOf(Math.min(...strides));
    const parts = levels.slice(finest).map(({ stride, channels: from }) => ({
      stride,
      lateral: pyramidConv(parameters, `fpn/lateral${Math.log2(stride)}`, 1, from, channels),
      output: strides.includes(stride)
        ? pyramidConv(parameters, `fpn/output${Math.log2(stride)}`, 3, channels, channels)
        : undefined,
    }));
    return {
      channels,
      strides: available.filter((stride) => strides.includes(stride)),
      multiple: available.at(-1) as number,
      pixels,
      features(images, training) {
        const below = bottomUp.features(images, training).slice(finest);
        const features: Feature[] = [];
        let above: tf.Tensor4D | undefined;
        for (const [level, { stride, lateral, output }] of [...parts.entries()].reverse()) {
          const found = lateral((below[level] as Feature).tensor, training);
          above = above === undefined ? found : found.add<tf.Tensor4D>(upsample(above));
          if (output !== undefined) features.unshift({ tensor: output(above, training), stride });
        }
        return features;
      },
      weightTable: () => torchNames(new Map([...parameters.trainable, ...parameters.state]), ['backbone']),
    };
  };
}

/** A convolution with Glorot's initialization, since no ReLU follows. */
const pyramidConv = (parameters: Parameters, name: string, kernel: number, from: number, to: number): Layer =>
  conv(parameters, name, { kernel, from, to, bias: 0, deviation: Math.sqrt(2 / (kernel * kernel * (from + to))) });

function checkStrides(strides: readonly number[], available: readonly number[]): void {
  const odd = strides.find((stride) => !available.includes(stride));
  if (odd === undefined && strides.length > 0) return;
  throw new HooklineError('HKL_BACKBONE_OPTION', odd === undefined ? 'strides is empty' : `there is no stride ${odd}`, {
    who: 'featurePyramid',
    fix: `Give some of ${available.join(', ')}`,
  });
}
