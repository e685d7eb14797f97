import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { tf, type TrainableModel } from '@hookline/tfjs';
import type { BackboneFactory } from '../backbones/backbone.ts';
import { normalizePixels } from '../backbones/backbone.ts';
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
  /** Number of boxes that are objects, not padding: [batch]. */
  readonly counts: tf.Tensor1D;
}

/** Options of {@link detector}. */
export interface DetectorOptions {
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /** Makes the backbone, which computes the features. @default residualBackbone() */
  readonly backbone?: BackboneFactory;
  /** Makes the head, which predicts classes and boxes at each cell of the features. @default fcosHead() */
  readonly head?: HeadFactory;
  /** Pixel mean to subtract: one number, or red, green and blue. @default that of the backbone, else 127.5 */
  readonly pixelMean?: number | readonly [number, number, number];
  /** Pixel standard deviation to divide by afterwards. @default that of the backbone, else 64 */
  readonly pixelDeviation?: number | readonly [number, number, number];
  /** Name of the model in messages. @default 'detector' */
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

/** Pixel statistics for backbones that have none. */
const [PIXEL_MEAN, PIXEL_DEVIATION] = [127.5, 64];

/** A dense detector: a trainable model that predicts boxes and class scores at each cell of its features. */
export interface Detector extends TrainableModel {
  /** Names of the classes by their index. */
  readonly classNames: readonly string[];
  /**
   * Predicts boxes and scores. Batch norm uses moving statistics unless `training` is true.
   *
   * @param images RGB from 0 to 255, [batch, height, width, 3]
   * @returns boxes in pixels of `images` and scores, which the caller disposes
   */
  predict(images: unknown): DenseOutputs;
  /** Returns the images of a batch: [batch, height, width, 3]. */
  inputs(batch: unknown): tf.Tensor4D;
}

/**
 * Makes a dense single-stage detector from a backbone and a head. Its losses, including target assignment, are a pure function
 * of tensors, so that the whole step can be captured.
 *
 * Images whose sides are not multiples of the coarsest stride are padded with zeros at the right and bottom.
 *
 * @example
 * detector({ classNames: ['circle', 'square'] })
 * detector({ classNames, backbone: residualBackbone({ widths: [16, 32, 48], channels: 32 }), head: fcosHead({ convs: 1 }) })
 * @example
 * detector({ classNames, backbone: featurePyramid(resnet({ depth: 18, frozenStages: 2 })) })
 * @throws HooklineError `HKL_DETECT_CLASSES` without a class, `HKL_OPTION_UNKNOWN`, and those of the backbone and the head
 */
export function detector(options: DetectorOptions): Detector {
  assertKnownOptions('detector', options, OPTIONS);
  const { classNames, name = 'detector' } = options;
  if (classNames.length === 0) {
    throw new HooklineError('HKL_DETECT_CLASSES', 'there is no class to detect', {
      who: `model "${name}"`,
      fix: 'Give classNames, for example those of the data set',
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

/** Checks that a model is a detector, and returns it as one. @param who who needs it, for the error @throws HooklineError `HKL_DETECT_MODEL` if not */
export function detectorOf(model: TrainableModel, who: string): Detector {
  const { classNames, predict, inputs } = model as Partial<Detector>;
  if (classNames !== undefined && predict !== undefined && inputs !== undefined) return model as Detector;
  throw new HooklineError('HKL_DETECT_MODEL', `the model "${model.name}" is not a detector`, {
    who,
    fix: 'Train a model made by detector(...), or one that has classNames, inputs and predict as it does',
  });
}
