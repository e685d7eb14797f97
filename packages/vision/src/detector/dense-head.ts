import type { tf } from '@hookline/tfjs';
import type { Backbone, Feature } from '../backbones/backbone.ts';
import type { Parameters } from '../layers/parameters.ts';

/** The objects of a batch on the device. */
export interface Objects {
  /** Corners x1, y1, x2, y2 in pixels of the input, padded to the same number per image: [batch, objects, 4]. */
  readonly boxes: tf.Tensor3D;
  /** Classes from 0: int32 [batch, objects]. */
  readonly classes: tf.Tensor2D;
  /** 1 for an object, 0 for padding: [batch, objects]. */
  readonly mask: tf.Tensor2D;
}

/** Outputs of a dense head: a box and class scores at each place. */
export interface DenseOutputs {
  /** Corners x1, y1, x2, y2 in pixels of the input: [batch, places, 4]. */
  readonly boxes: tf.Tensor3D;
  /** Score of each class, from 0 to 1: [batch, places, classes]. */
  readonly scores: tf.Tensor3D;
}

/** The part of a detector that predicts classes and boxes at each cell of the features, with its losses. */
export interface DenseHead {
  /** Computes scalar losses by name; training minimizes their sum. In train mode, moving averages are updated too. */
  losses(features: readonly Feature[], objects: Objects, training: boolean): Readonly<Record<string, tf.Scalar>>;
  /** Computes boxes and scores. */
  predict(features: readonly Feature[], training: boolean): DenseOutputs;
}

/** Makes a head for a backbone, with its variables in `parameters`. */
export type HeadFactory = (
  parameters: Parameters,
  context: Pick<Backbone, 'channels' | 'strides'> & { readonly classes: number },
) => DenseHead;
