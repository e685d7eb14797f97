import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { tf, type TrainableModel } from '@hookline/tfjs';
import type { BackboneFactory } from '../backbones/backbone.ts';
import { normalizePixels } from '../backbones/normalize-pixels.ts';
import { Parameters } from '../layers/parameters.ts';
import { residualBackbone } from '../backbones/residual-backbone.ts';
import type { DenseOutputs, HeadFactory, Objects } from './dense-head.ts';
import { fcosHead } from './fcos-head.ts';

/** The tensors of a `DetectionBatch` of `@hookline/images`, once it is on the device. */
export interface DetectionTensors {
  /** Pixels from 0 to 255: [batch, height, width, 3]. */
  readonly images: tf.Tensor4D;
  /** Corners x1, y1, x2, y2 in pixels of these images, padded: [batch, objects, 4]. */
  readonly boxes: tf.Tensor3D;
  /** Classes from 0: [batch, objects]. */
  readonly classes: tf.Tensor2D;
  /** How many of the boxes are objects: [batch]. */
  readonly counts: tf.Tensor1D;
}

/** Options of {@link detector}. */
export interface DetectorOptions {
  /** Names of the classes, in the order of their numbers. */
  readonly classNames: readonly string[];
  /** @default residualBackbone() */
  readonly backbone?: BackboneFactory;
  /** @default fcosHead() */
  readonly head?: HeadFactory;
  /** Of the pixels, taken off before the network. @default what the backbone expects, else 127.5 */
  readonly pixelMean?: number | readonly [number, number, number];
  /** By which they are divided then. @default what the backbone expects, else 64 */
  readonly pixelDeviation?: number | readonly [number, number, number];
  /** @default 'detector' */
  readonly name?: string;
}

const OPTIONS = {
  classNames: true,
  backbone: true,
  head: true,
  pixelMean: true,
  pixelDeviation: true,
  name: true,
} as const satisfies OptionNames<DetectorOptions>;

/** By what pixels are normalised for backbones that say nothing of it. */
const [PIXEL_MEAN, PIXEL_DEVIATION] = [127.5, 64];

/** A detector: a model that is trained, and that predicts boxes and scores at each place. */
export interface Detector extends TrainableModel {
  readonly classNames: readonly string[];
  /** Images to which batch norm and the like apply as `training` says. The caller disposes what comes out. */
  predict(images: unknown): DenseOutputs;
  inputs(batch: unknown): tf.Tensor4D;
}

/**
 * A dense single-stage detector made of a backbone and a head. Its losses are a pure function of tensors, target
 * assignment included, so that the whole step can be captured.
 *
 * Images whose sides are no multiples of the coarsest stride are filled up at the right and at the bottom.
 *
 * @example
 * detector({ classNames: ['circle', 'square'] })
 * detector({ classNames, backbone: residualBackbone({ widths: [16, 32, 48], channels: 32 }), head: fcosHead({ convs: 1 }) })
 * @example
 * detector({ classNames, backbone: featurePyramid(resnet({ depth: 18, frozenStages: 2 })) })
 * @throws HooklineError `HKL_DETECT_CLASSES` without a class
 */
export function detector(options: DetectorOptions): Detector {
  assertKnownOptions('detector', options, OPTIONS);
  const { classNames, name = 'detector' } = options;
  if (classNames.length === 0) {
    throw new HooklineError('HKL_DETECT_CLASSES', 'there is no class to detect', {
      who: `model "${name}"`,
      fix: 'Give classNames, such as those of the data set',
    });
  }
  const parameters = new Parameters();
  const backbone = (options.backbone ?? residualBackbone())(parameters);
  const { channels, strides } = backbone;
  const pixels = {
    mean: options.pixelMean ?? backbone.pixels?.mean ?? PIXEL_MEAN,
    deviation: options.pixelDeviation ?? backbone.pixels?.deviation ?? PIXEL_DEVIATION,
  };
  const head = (options.head ?? fcosHead())(parameters, { channels, strides, classes: classNames.length });
  const features = (images: tf.Tensor4D, training: boolean) =>
    backbone.features(fillUp(normalizePixels(images, pixels), backbone.multiple), training);
  const model: Detector = {
    name,
    classNames,
    training: true,
    trainable: () => parameters.trainable,
    state: () => parameters.state,
    batchNorms: () => parameters.batchNorms.filter(({ trainable }) => trainable),
    ...(backbone.weightTable === undefined ? {} : { weightTable: () => backbone.weightTable?.() ?? {} }),
    inputs: (batch) => (batch as DetectionTensors).images,
    losses: (batch) => {
      const { images, ...rest } = batch as DetectionTensors;
      return head.losses(features(images, model.training), toObjects(rest), model.training);
    },
    predict: (images) =>
      tf.tidy(() => ({ ...head.predict(features(images as tf.Tensor4D, model.training), model.training) })),
  };
  return model;
}

function fillUp(images: tf.Tensor4D, multiple: number): tf.Tensor4D {
  const [, height, width] = images.shape;
  const [bottom, right] = [-height, -width].map((side) => ((side % multiple) + multiple) % multiple) as [
    number,
    number,
  ];
  return bottom === 0 && right === 0
    ? images
    : tf.pad4d(images, [
        [0, 0],
        [0, bottom],
        [0, right],
        [0, 0],
      ]);
}

function toObjects({ boxes, classes, counts }: Omit<DetectionTensors, 'images'>): Objects {
  const [batch, count] = classes.shape;
  const places = tf.tensor1d(Float32Array.from({ length: count }, (_, place) => place));
  return {
    boxes: boxes.cast('float32'),
    classes: classes.cast('int32'),
    mask: places
      .reshape([1, count])
      .less(counts.cast('float32').reshape([batch, 1]))
      .cast('float32') as tf.Tensor2D,
  };
}
