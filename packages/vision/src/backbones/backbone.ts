import { HooklineError } from '@hookline/core';
import { tf, type WeightTable } from '@hookline/tfjs';
import type { Layer } from '../layers/layers.ts';
import type { Frozen, Parameters } from '../layers/parameters.ts';

/** Features of images at one scale. */
export interface Feature {
  /** [batch, height, width, channels] */
  readonly tensor: tf.Tensor4D;
  /** Input pixels from one cell to the next. */
  readonly stride: number;
}

/** Mean and standard deviation of pixels from 0 to 255, by which images are normalised: one number, or red, green and blue. */
export interface PixelStatistics {
  readonly mean: number | readonly [number, number, number];
  readonly deviation: number | readonly [number, number, number];
}

/** Statistics of ImageNet, with which torchvision and timm normalize: means 0.485, 0.456, 0.406 and deviations 0.229, 0.224, 0.225, times 255. */
export const IMAGENET_PIXELS: PixelStatistics = Object.freeze({
  mean: Object.freeze([0.485 * 255, 0.456 * 255, 0.406 * 255] as const),
  deviation: Object.freeze([0.229 * 255, 0.224 * 255, 0.225 * 255] as const),
});

/** The part of a dense detector that turns images into features at one or more scales, all with the same number of channels. */
export interface Backbone {
  readonly channels: number;
  /** Strides of the features in pixels of the input, ascending. */
  readonly strides: readonly number[];
  /** Width and height of the images must be multiples of this, in pixels. */
  readonly multiple: number;
  /** Statistics by which its weights expect pixels to be normalized. @default those of the model that uses it */
  readonly pixels?: PixelStatistics;
  /** @param images normalised, [batch, height, width, 3] */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** What its variables are called in PyTorch's files. */
  weightTable?(): WeightTable;
}

/** Makes a backbone with its variables in `parameters`. */
export type BackboneFactory = (parameters: Parameters) => Backbone;

/** A classification network in two parts: its features at several scales, and its last layers. */
export interface ImageBackbone {
  /** Such as `resnet18`. */
  readonly name: string;
  /** Stride and channels of each of the features, from the finest on. */
  readonly levels: readonly { readonly stride: number; readonly channels: number }[];
  /** Statistics by which pixels were normalized when its pretrained weights were trained. */
  readonly pixels: PixelStatistics;
  /**
   * One feature for each level: the output of the last layer with its stride.
   *
   * @param images normalised by `pixels`, [batch, height, width, 3], in the order red, green, blue
   */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** Makes the layers after the coarsest feature, with their variables below `head/`. @returns logits [batch, classes] */
  head(parameters: Parameters, classes: number): (coarsest: tf.Tensor4D, training: boolean) => tf.Tensor2D;
  /** What its variables are called in PyTorch's files, those of its head included once that is made. */
  weightTable(): WeightTable;
}

/** Makes a classification network with its variables in `parameters`. */
export type ImageBackboneFactory = (parameters: Parameters) => ImageBackbone;

/** Which parts of a backbone are frozen. */
export interface FrozenOptions {
  /**
   * Stages that are frozen, from the images on: weights, batch norms and their statistics. The stem, which comes before the first
   * stage, counts as one: 1 freezes the stem, 2 the stem and the first stage. @default 0
   */
  readonly frozenStages?: number;
  /** Whether all batch norms are frozen: statistics, scales and offsets. @default false */
  readonly frozenBatchNorm?: boolean;
}

/** All names of {@link FrozenOptions}. */
export const FROZEN_OPTIONS = { frozenStages: true, frozenBatchNorm: true } as const;

/**
 * Which variables of each stage are frozen, as `frozenStages` and `frozenBatchNorm` ask for.
 *
 * @param stages how many there are, the stem among them
 * @throws HooklineError `HKL_BACKBONE_OPTION` for more frozen stages than there are
 */
export function frozenByStage(
  who: string,
  stages: number,
  { frozenStages = 0, frozenBatchNorm = false }: FrozenOptions,
): (stage: number) => Frozen {
  if (!Number.isInteger(frozenStages) || frozenStages < 0 || frozenStages > stages) {
    throw new HooklineError('HKL_BACKBONE_OPTION', `frozenStages is ${frozenStages}`, {
      who,
      fix: `Give a whole number from 0 to ${stages}, which is all of it`,
    });
  }
  return (stage) => (stage < frozenStages ? 'all' : frozenBatchNorm ? 'batch norms' : 'nothing');
}

/** (pixels - mean) / deviation, as float32, [batch, height, width, 3]. */
export const normalizePixels = (images: tf.Tensor4D, { mean, deviation }: PixelStatistics): tf.Tensor4D =>
  images.cast<tf.Tensor4D>('float32').sub(perChannel(mean)).div(perChannel(deviation));

const perChannel = (value: number | readonly number[]): tf.Tensor =>
  typeof value === 'number' ? tf.scalar(value) : tf.tensor1d([...value]);

/** Applies stages one after the other to the output of the stem. @returns the output of each stage */
export function levelFeatures(
  stages: readonly Layer[],
  strides: readonly number[],
  stem: tf.Tensor4D,
  training: boolean,
): readonly Feature[] {
  let tensor = stem;
  return stages.map((stage, level) => {
    tensor = stage(tensor, training);
    return { tensor, stride: strides[level] as number };
  });
}
