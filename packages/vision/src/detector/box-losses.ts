import { tf } from '@hookline/tfjs';

/** Avoids division by 0 for empty boxes. */
const EPSILON = 1e-7;

/**
 * The GIoU loss of Rezatofighi et al. (2019) for pairs of boxes: 1 - GIoU, from 0 for equal boxes to 2.
 *
 * @param boxes corners x1, y1, x2, y2 in the last axis
 * @param truths in the shape of `boxes`
 * @returns the shape of `boxes` with a last axis of length 1
 */
export function giouLoss(boxes: tf.Tensor, truths: tf.Tensor): tf.Tensor {
  const [x1, y1, x2, y2] = corners(boxes);
  const [u1, v1, u2, v2] = corners(truths);
  const width = tf.relu(tf.minimum(x2, u2).sub(tf.maximum(x1, u1)));
  const height = tf.relu(tf.minimum(y2, v2).sub(tf.maximum(y1, v1)));
  const shared = width.mul(height);
  const union = x2
    .sub(x1)
    .mul(y2.sub(y1))
    .add(u2.sub(u1).mul(v2.sub(v1)))
    .sub(shared);
  const hull = tf
    .maximum(x2, u2)
    .sub(tf.minimum(x1, u1))
    .mul(tf.maximum(y2, v2).sub(tf.minimum(y1, v1)));
  const iou = shared.div(union.add(EPSILON));
  const giou = iou.sub(hull.sub(union).div(hull.add(EPSILON)));
  return tf.sub(1, giou);
}

/**
 * The elementwise smooth L1 loss of d = values - truths, as in PyTorch: d² / (2 beta) for |d| < beta, else |d| - beta / 2.
 *
 * @param truths in the shape of `values`
 * @returns in the shape of `values`
 */
export function smoothL1Loss(values: tf.Tensor, truths: tf.Tensor, beta: number): tf.Tensor {
  const distance = values.sub(truths).abs();
  const small = tf.minimum(distance, beta);
  // One formula for both branches, with small = min(distance, beta): small² / (2 beta) + (distance - small).
  return small
    .square()
    .mul(0.5 / beta)
    .add(distance.sub(small));
}

/** Splits boxes [..., 4] into four tensors [..., 1]. */
export function corners(boxes: tf.Tensor): [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] {
  return tf.split(boxes, 4, -1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
}
