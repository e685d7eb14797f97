import { tf } from '@hookline/tfjs';
import type { Feature } from '../backbones/backbone.ts';
import type { Objects } from './dense-head.ts';
import { pickObjects } from './pick-objects.ts';

/** Training targets of the cells of one level. */
export interface CellTargets {
  /** 1 for positive cells, which are assigned to an object: [batch, cells, 1]. */
  readonly positive: tf.Tensor3D;
  /** Box of the assigned object, arbitrary for other cells: corners [batch, cells, 4]. */
  readonly boxes: tf.Tensor3D;
  /** Class of the assigned object, arbitrary for other cells: int32 [batch, cells]. */
  readonly classes: tf.Tensor2D;
}

/** Options of {@link centreSampling}. */
export interface CentreSamplingOptions {
  /** Maximum distance of a positive cell from the object's centre, in cells. */
  readonly radius: number;
  /** Range, in pixels, of the longer sides of objects that belong to this level. */
  readonly sizes: readonly [from: number, to: number];
}

/**
 * Assigns objects to cells by the centre sampling of FCOS: a cell is positive when it lies inside a box and near its centre. If
 * several boxes qualify, the smallest one wins. The cell that contains the centre is always positive, however small the box.
 *
 * Everything is computed on the device from padded boxes. Conditions on rows and columns are kept apart, so that only one
 * product of [batch, rows, columns, objects] grows with the number of objects.
 */
export function centreSampling(
  { tensor, stride }: Feature,
  objects: Objects,
  options: CentreSamplingOptions,
): CellTargets {
  const [batch, height, width] = tensor.shape;
  const { boxes, mask } = objects;
  const count = boxes.shape[1];
  const [x1, y1, x2, y2] = tf.unstack(boxes, 2) as tf.Tensor2D[] as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const [wide, high] = [x2.sub(x1), y2.sub(y1)];
  const longest = tf.maximum(wide, high);
  const [from, to] = options.sizes;
  const belongs = mask.mul(longest.greaterEqual(from).cast('float32')).mul(longest.less(to).cast('float32'));
  const near = (low: tf.Tensor, high_: tf.Tensor, side: tf.Tensor, cells: number): tf.Tensor3D => {
    const reach = tf.minimum(tf.maximum(side.mul(0.5), stride / 2), options.radius * stride);
    const distance = cellCentres(cells, stride)
      .reshape([1, cells, 1])
      .sub(low.add(high_).mul(0.5).reshape([batch, 1, count]))
      .abs();
    return distance.lessEqual(reach.reshape([batch, 1, count])).cast('float32');
  };
  const columns = near(x1, x2, wide, width).reshape([batch, 1, width, count]);
  // Smaller objects are stronger; padding and objects of other levels have strength 0.
  const strength = belongs.div(wide.mul(high).add(1)).reshape([batch, 1, count]);
  const rows = near(y1, y2, high, height).mul(strength).reshape([batch, height, 1, count]);
  const claims = rows.mul(columns).reshape([batch * height * width, count]);
  const chosen = pickObjects(claims.argMax<tf.Tensor1D>(1), objects);
  const cells = height * width;
  return {
    positive: claims.max(1).greater(0).cast('float32').reshape([batch, cells, 1]),
    boxes: chosen.boxes.reshape([batch, cells, 4]),
    classes: chosen.classes.reshape([batch, cells]),
  };
}

/** Centres of the cells along one axis, in pixels of the input. */
export function cellCentres(cells: number, stride: number): tf.Tensor1D {
  return tf.tensor1d(Float32Array.from({ length: cells }, (_, cell) => (cell + 0.5) * stride));
}

/** Longer side of the largest objects of a level, in strides of the level. */
const SPAN = 16;

/** For each level, the range in pixels of the longer sides of its objects; the finest level takes the smallest objects. */
export function levelSizes(strides: readonly number[]): readonly (readonly [from: number, to: number])[] {
  return strides.map((stride, level) => [
    level === 0 ? 0 : SPAN * (strides[level - 1] as number),
    level === strides.length - 1 ? Infinity : SPAN * stride,
  ]);
}
