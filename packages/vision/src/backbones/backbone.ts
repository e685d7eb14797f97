import { HooklineError } from '@hookline/core';
import type { tf, WeightTable } from '@hookline/tfjs';
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

/** Of ImageNet's images, by which the models of torchvision and timm are trained: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 of 255. */
export const IMAGENET_PIXELS: PixelStatistics = Object.freeze({
  mean: Object.freeze([0.485 * 255, 0.456 * 255, 0.406 * 255] as const),
  deviation: Object.freeze([0.229 * 255, 0.224 * 255, 0.225 * 255] as const),
});

/** Turns images into features at one scale or several, all of equally many channels; what a dense detector stands on. */
export interface Backbone {
  readonly channels: number;
  /** Of the features, ascending. */
  readonly strides: readonly number[];
  /** What the sides of the images must be multiples of. */
  readonly multiple: number;
  /** What its weights expect of the pixels. Default: what the model around it says. */
  readonly pixels?: PixelStatistics;
  /** @param images normalised, [batch, height, width, 3] */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** What its variables are called in PyTorch's files. */
  weightTable?(): WeightTable;
}

/** Makes a backbone with its variables in `parameters`. */
export type BackboneFactory = (parameters: Parameters) => Backbone;

/** A network that classifies images, in parts: what it makes of images at several scales, and its last layers. */
export interface ImageBackbone {
  /** Such as `resnet18`. */
  readonly name: string;
  /** Stride and channels of each of the features, from the finest on. */
  readonly levels: readonly { readonly stride: number; readonly channels: number }[];
  /** Of the pixels that its pretrained weights were made with. */
  readonly pixels: PixelStatistics;
  /**
   * One feature for each level: what the last layer of its stride gives.
   *
   * @param images normalised by `pixels`, [batch, height, width, 3], in the order red, green, blue
   */
  features(images: tf.Tensor4D, training: boolean): readonly Feature[];
  /** Makes the layers after the coarsest feature, with their variables below `head/`. @returns logits [batch, classes] */
  head(parameters: Parameters, classes: number): (coarsest: tf.Tensor4D, training: boolean) => tf.Tensor2D;
  /** What its variables are called in PyTorch's files, those of its head included once that is made. */
  weightTable(): WeightTable;
}

/** Makes such a network with its variables in `parameters`. */
export type ImageBackboneFactory = (parameters: Parameters) => ImageBackbone;

/** What all backbones can hold still. */
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
 * What is frozen of each stage.
 *
 * @param stages how many there are, the stem among them
 * @throws HooklineError `HKL_BACKBONE_OPTION` for a number of stages that there is not
 */
export function frozenParts(
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
