import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import { type BackboneFactory, type Feature, FROZEN_OPTIONS, type FrozenOptions, frozenByStage } from './backbone.ts';
import { conv, convNormRelu, type Layer, residualBlock, sequence, upsample } from '../layers/layers.ts';
import type { Parameters } from '../layers/parameters.ts';

/** Options of {@link residualBackbone}. */
export interface ResidualBackboneOptions extends FrozenOptions {
  /** Channels at strides 4, 8, 16 and so on. @default [32, 64, 96] */
  readonly widths?: readonly number[];
  /** Number of residual blocks at each stride. @default 1 at the first, 2 at the others */
  readonly blocks?: readonly number[];
  /** Channels of the features that it returns. @default 64 */
  readonly channels?: number;
  /** Strides of the features that it returns. @default [4] */
  readonly strides?: readonly number[];
}

const OPTIONS = {
  widths: true,
  blocks: true,
  channels: true,
  strides: true,
  ...FROZEN_OPTIONS,
} as const satisfies OptionNames<ResidualBackboneOptions>;

const STEM_STRIDE = 4;

/**
 * A small residual network with a top-down path. The stem turns each patch of 4x4 pixels into a cell. Plain 3x3 residual blocks
 * follow at strides 4, 8, 16 and so on, one stage for each of `widths`. From the coarsest stage on, features are upsampled by 2
 * and added to the finer ones. Stages to freeze are those of `widths`; the first one includes the stem.
 *
 * @throws HooklineError `HKL_DETECT_BACKBONE` for options that do not fit together, `HKL_BACKBONE_OPTION` for more frozen
 * stages than there are, `HKL_OPTION_UNKNOWN`
 */
export function residualBackbone(options: ResidualBackboneOptions = {}): BackboneFactory {
  assertKnownOptions('residualBackbone', options, OPTIONS);
  const { widths = [32, 64, 96], channels = 64, strides = [STEM_STRIDE] } = options;
  const { blocks = widths.map((_, stage) => (stage === 0 ? 1 : 2)) } = options;
  const available = widths.map((_, stage) => STEM_STRIDE * 2 ** stage);
  checkOptions(widths, blocks, strides, available);
  const frozen = frozenByStage('residualBackbone', widths.length, options);
  return (parameters) => {
    const stages = widths.map((width, stage) =>
      parameters.freeze(frozen(stage), () => makeStage(parameters, widths, stage, width, blocks[stage] as number)),
    );
    const laterals = widths.map((width, stage) =>
      conv(parameters, `backbone/lateral${stage + 1}`, { kernel: 1, from: width, to: channels, bias: 0 }),
    );
    const finest = available.indexOf(Math.min(...strides));
    return {
      channels,
      strides: available.filter((stride) => strides.includes(stride)),
      multiple: available.at(-1) as number,
      features(images, training) {
        const bottomUp: tf.Tensor4D[] = [];
        for (const stage of stages) bottomUp.push(stage(bottomUp.at(-1) ?? images, training));
        const features: Feature[] = [];
        let above: tf.Tensor4D | undefined;
        for (let stage = stages.length - 1; stage >= finest; stage--) {
          const lateral = (laterals[stage] as Layer)(bottomUp[stage] as tf.Tensor4D, training);
          above = above === undefined ? lateral : lateral.add<tf.Tensor4D>(upsample(above));
          features.unshift({ tensor: above, stride: available[stage] as number });
        }
        return features.filter(({ stride }) => strides.includes(stride));
      },
    };
  };
}

function makeStage(
  parameters: Parameters,
  widths: readonly number[],
  stage: number,
  width: number,
  blocks: number,
): Layer {
  const name = `backbone/stage${stage + 1}`;
  const side = stage === 0 ? STEM_STRIDE : 2;
  const shrink = { kernel: side, stride: side, from: widths[stage - 1] ?? 3, to: width };
  return sequence(
    convNormRelu(parameters, `${name}/shrink`, shrink),
    ...Array.from({ length: blocks }, (_, block) => residualBlock(parameters, `${name}/block${block + 1}`, width)),
  );
}

function checkOptions(
  widths: readonly number[],
  blocks: readonly number[],
  strides: readonly number[],
  available: readonly number[],
): void {
  const odd = strides.find((stride) => !available.includes(stride));
  const problem =
    blocks.length !== widths.length
      ? `widths has ${widths.length} numbers and blocks has ${blocks.length}`
      : odd !== undefined || strides.length === 0
        ? `it has no stride ${odd ?? ''}; there are ${available.join(', ')}`
        : '';
  if (problem === '') return;
  throw new HooklineError('HKL_DETECT_BACKBONE', problem, { who: 'residualBackbone', fix: 'Correct its options' });
}
