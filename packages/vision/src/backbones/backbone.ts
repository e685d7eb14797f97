import { HooklineError } from '@hookline/core';
import { tf, type WeightTable } from '@hookline/tfjs';
import type { Layer } from '../layers/layers.ts';
import type { Frozen, Parameters } from '../layers/parameters.ts';

/** Feature maps of images at one scale. */
export interface Feature {
  /** float32 [batch, height, width, channels]. */
  readonly tensor: tf.Tensor4D;
  /** Distance of neighbouring cells in pixels of the input. */
  readonly stride: number;
}

/** Mean and standard deviation of pixels (0 to 255) for normalization: one number for all channels, or one each for red, green and blue. */
export interface PixelStatistics {
  readonly mean: number | readonly [number, number, number];
  readonly deviation: number | readonly [number, number, number];
}

/** ImageNet's statistics as in torchvision and timm: means 0.485, 0.456, 0.406 and deviations 0.229, 0.224, 0.225, times 255. */
export const IMAGENET_PIXELS: PixelStatistics = Object.freeze({
  mean: Object.freeze([0.485 * 255, 0.456 * 255, 0.406 * 255] as const),
  deviation: Object.freeze([0.229 * 255, 0.224 * 255, 0.225 * 255] as const),
});

/** The part of a dense detector that computes features at one or more scales, all with the same number of channels. */
export interface Backbone {
  /** Channels of every feature. */
  readonly channels: number;
  /** Strides of the features in pixels of the input, in ascending order. */
  readonly strides: readonly number[];
  /** Width and height of the images, in pixels, must be multiples of this. */
  readonly multiple: number;
  /** Pixel statistics that its pretrained weights expect. @default those of the model that uses the backbone */
  readonly pixels?: PixelStatistics;
  /** Computes the features, one for each stride. @param images normalized, float32 [batch, height, width, 3] */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** The names of its variables in PyTorch's weight files. */
  weightTable?(): WeightTable;
}

/** Makes a backbone with its variables in `parameters`. */
export type BackboneFactory = (parameters: Parameters) => Backbone;

/** A classification network in two parts: features at several scales, and the head. */
export interface ImageBackbone {
  /** Name of the network, such as `resnet18`. */
  readonly name: string;
  /** Stride and channels of each feature, the finest first. */
  readonly levels: readonly { readonly stride: number; readonly channels: number }[];
  /** Pixel statistics with which its pretrained weights were trained. */
  readonly pixels: PixelStatistics;
  /**
   * Computes one feature for each level: the output of the last layer with that stride.
   *
   * @param images RGB, normalized by `pixels`, float32 [batch, height, width, 3]
   */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** Makes the layers after the coarsest feature, with variables named `head/...`. They return logits [batch, classes]. */
  head(parameters: Parameters, classes: number): (coarsest: tf.Tensor4D, training: boolean) => tf.Tensor2D;
  /** The names of its variables in PyTorch's weight files; those of the head are included once it has been made. */
  weightTable(): WeightTable;
}

/** Makes a classification network with its variables in `parameters`. */
export type ImageBackboneFactory = (parameters: Parameters) => ImageBackbone;

/** Options that freeze parts of a backbone. */
export interface FrozenOptions {
  /**
   * Number of frozen stages, counted from the input; their weights, batch norms and statistics are fixed. The stem counts as a
   * stage: 1 freezes the stem, 2 the stem and the first stage. @default 0
   */
  readonly frozenStages?: number;
  /** Whether to freeze all batch norms: statistics, scales and offsets. @default false */
  readonly frozenBatchNorm?: boolean;
}

/** All names of {@link FrozenOptions}. */
export const FROZEN_OPTIONS = { frozenStages: true, frozenBatchNorm: true } as const;

/**
 * Returns which variables of each stage are frozen according to `frozenStages` and `frozenBatchNorm`.
 *
 * @param who name of the backbone in errors
 * @param stages number of stages, including the stem
 * @returns a function of the stage's index, from 0
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
      fix: `Give a whole number from 0 to ${stages}, which freezes the whole backbone`,
    });
  }
  return (stage) => (stage < frozenStages ? 'all' : frozenBatchNorm ? 'batch norms' : 'nothing');
}

/**
 * Normalizes pixels: (pixels - mean) / deviation.
 *
 * @param images RGB from 0 to 255, of any type, [batch, height, width, 3]
 * @returns float32, in the shape of `images`
 */
export const normalizePixels = (images: tf.Tensor4D, { mean, deviation }: PixelStatistics): tf.Tensor4D =>
  images.cast<tf.Tensor4D>('float32').sub(perChannel(mean)).div(perChannel(deviation));

const perChannel = (value: number | readonly number[]): tf.Tensor =>
  typeof value === 'number' ? tf.scalar(value) : tf.tensor1d([...value]);

/** Applies the stages in sequence to the output of the stem. @returns the output of each stage as a feature */
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
