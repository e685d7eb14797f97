import { tf } from '@hookline/tfjs';
import { corners } from './box-losses.ts';
import type { Objects } from './dense-head.ts';
import { pickObjects } from './pick-objects.ts';

/** Training targets of anchors. */
export interface AnchorTargets {
  /** 1 for positive anchors, which are assigned to an object: [batch, anchors, 1]. */
  readonly positive: tf.Tensor3D;
  /** 0 for ignored anchors, whose IoU is between the two thresholds, else 1: [batch, anchors, 1]. */
  readonly counted: tf.Tensor3D;
  /** Box of the object that each anchor overlaps most: corners x1, y1, x2, y2, [batch, anchors, 4]. */
  readonly boxes: tf.Tensor3D;
  /** Class of that object: int32 [batch, anchors]. */
  readonly classes: tf.Tensor2D;
}

/** Options of {@link matchAnchors}. */
export interface MatchingOptions {
  /** Minimum IoU of a positive anchor. @default 0.5 in `retinaHead` */
  readonly foreground: number;
  /** Anchors with a lower IoU are negative; those in between are ignored. @default 0.4 in `retinaHead` */
  readonly background: number;
}

/**
 * Assigns to each anchor the object that it overlaps most, as in RetinaNet. The best anchor of each object is positive
 * whatever its IoU, so that every object has one.
 *
 * @param anchors centre x, centre y, width, height in pixels of the input: [anchors, 4]
 */
export function matchAnchors(anchors: tf.Tensor2D, objects: Objects, options: MatchingOptions): AnchorTargets {
  const { boxes, classes, mask } = objects;
  const [batch, count] = classes.shape;
  const places = anchors.shape[0];
  const overlaps = anchorIou(anchors, boxes).mul(mask.reshape([batch, 1, count]));
  const best = overlaps.max(2);
  const chosen = pickObjects(overlaps.argMax(2).flatten(), { boxes, classes });
  const bestOfObject = overlaps.max(1, true);
  const isBest = overlaps
    .greaterEqual(bestOfObject)
    .cast('float32')
    .mul(bestOfObject.greater(0).cast('float32'))
    .max(2);
  const positive = tf.maximum(best.greaterEqual(options.foreground).cast('float32'), isBest);
  const isFar = best.less(options.background).cast('float32');
  return {
    positive: positive.reshape([batch, places, 1]),
    counted: tf.maximum(positive, isFar).reshape([batch, places, 1]),
    boxes: chosen.boxes.reshape([batch, places, 4]),
    classes: chosen.classes.reshape([batch, places]),
  };
}

/** IoU of each anchor with each object: [batch, anchors, objects]. */
function anchorIou(anchors: tf.Tensor2D, boxes: tf.Tensor3D): tf.Tensor3D {
  const [batch, count] = boxes.shape;
  const [cx, cy, w, h] = corners(anchors.reshape([1, anchors.shape[0], 4]));
  const sides = tf.unstack(boxes, 2).map((side) => side.reshape([batch, 1, count]));
  const [x1, y1, x2, y2] = sides as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const overlap = (centre: tf.Tensor, side: tf.Tensor, low: tf.Tensor, high: tf.Tensor): tf.Tensor => {
    const half = side.mul(0.5);
    return tf.relu(tf.minimum(centre.add(half), high).sub(tf.maximum(centre.sub(half), low)));
  };
  const shared = overlap(cx, w, x1, x2).mul(overlap(cy, h, y1, y2));
  const union = w
    .mul(h)
    .add(x2.sub(x1).mul(y2.sub(y1)))
    .sub(shared);
  return shared.div(tf.maximum(union, 1e-6));
}
