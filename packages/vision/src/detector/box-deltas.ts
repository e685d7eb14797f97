import { tf } from '@hookline/tfjs';
import { corners } from './box-losses.ts';

/** Upper limit of the logarithm of a box's side relative to its anchor's, so that no output becomes infinite. */
const LARGEST = Math.log(1000 / 16);

/**
 * Encodes boxes relative to anchors, as in R-CNN: the shift of the centre in units of the anchor's sides, and the logarithms of
 * the ratios of sides.
 *
 * @param boxes corners x1, y1, x2, y2: [batch, anchors, 4]
 * @param anchors centre x, centre y, width, height: [anchors, 4]
 * @returns deltas dx, dy, dw, dh: [batch, anchors, 4]
 */
export function encodeDeltas(boxes: tf.Tensor3D, anchors: tf.Tensor2D): tf.Tensor3D {
  const [x1, y1, x2, y2] = corners(boxes);
  const [cx, cy, w, h] = corners(anchors.reshape([1, anchors.shape[0], 4]));
  // Padding boxes have no size; they are masked later and only need to stay finite.
  const [wide, high] = [tf.maximum(x2.sub(x1), 1e-3), tf.maximum(y2.sub(y1), 1e-3)];
  return tf.concat(
    [x1.add(x2).mul(0.5).sub(cx).div(w), y1.add(y2).mul(0.5).sub(cy).div(h), tf.log(wide.div(w)), tf.log(high.div(h))],
    2,
  ) as tf.Tensor3D;
}

/** Decodes the deltas of {@link encodeDeltas} to corners x1, y1, x2, y2: [batch, anchors, 4]. */
export function decodeDeltas(deltas: tf.Tensor3D, anchors: tf.Tensor2D): tf.Tensor3D {
  const [dx, dy, dw, dh] = corners(deltas);
  const [cx, cy, w, h] = corners(anchors.reshape([1, anchors.shape[0], 4]));
  const [x, y] = [dx.mul(w).add(cx), dy.mul(h).add(cy)];
  const half = (delta: tf.Tensor, side: tf.Tensor): tf.Tensor =>
    tf
      .exp(tf.clipByValue(delta, -LARGEST, LARGEST))
      .mul(side)
      .mul(0.5);
  const [wide, high] = [half(dw, w), half(dh, h)];
  return tf.concat([x.sub(wide), y.sub(high), x.add(wide), y.add(high)], 2) as tf.Tensor3D;
}
