import { tf } from '@hookline/tfjs';
import type { Objects } from './dense-head.ts';

/**
 * Gathers the box and class of one object for each place.
 *
 * @param index index of the object within its image: int32 [batch * places]
 * @returns boxes [batch * places, 4] and classes [batch * places]
 */
export function pickObjects(
  index: tf.Tensor1D,
  { boxes, classes }: Pick<Objects, 'boxes' | 'classes'>,
): { readonly boxes: tf.Tensor2D; readonly classes: tf.Tensor1D } {
  const [batch, count] = classes.shape;
  const image = tf
    .range(0, batch, 1, 'int32')
    .reshape([batch, 1])
    .tile([1, index.size / batch])
    .flatten();
  const rows = tf.stack([image, index.cast('int32')], 1) as tf.Tensor2D;
  // Avoids tf.gather, which reads its indices on the host, and a product with one-hot rows, which may run in half precision.
  return {
    boxes: tf.gatherND(boxes.reshape([batch, count, 4]), rows) as tf.Tensor2D,
    classes: tf.gatherND(classes, rows) as tf.Tensor1D,
  };
}
