import type { Boxes, Image, Pixels } from './image.ts';

/** A deterministic transform of an image and its boxes; any random numbers have already been drawn. */
export interface Transform {
  /** Returns a new image, or the same one when nothing changes. The argument is not modified. */
  applyImage<P extends Pixels>(image: Image<P>): Image<P>;
  /**
   * Returns for each box the box around its transformed corners, not clipped to the image: as many boxes as are given, in the same
   * order. The argument is not modified.
   */
  applyBoxes(boxes: Boxes): Boxes;
  /** The inverse transform. Cropped pixels and changed colours are not restored. */
  inverse(): Transform;
}

/** The transform that changes nothing. */
export const NO_TRANSFORM: Transform = {
  applyImage: (image) => image,
  applyBoxes: (boxes) => boxes.slice(),
  inverse: () => NO_TRANSFORM,
};

/**
 * The matrix [[a, b, c], [d, e, f]]: x' = a x + b y + c, y' = d x + e y + f. Coordinates are in pixels from the upper left corner of
 * the image, so that the centre of its first pixel is at 0.5, 0.5.
 */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Several transforms that are applied in sequence. */
export class TransformList implements Transform {
  /** The transforms; nested lists are flattened, and {@link NO_TRANSFORM} is left out. */
  readonly transforms: readonly Transform[];

  constructor(transforms: readonly Transform[]) {
    this.transforms = transforms
      .flatMap((each) => (each instanceof TransformList ? each.transforms : [each]))
      .filter((each) => each !== NO_TRANSFORM);
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    return this.transforms.reduce((changed, each) => each.applyImage(changed), image);
  }

  applyBoxes(boxes: Boxes): Boxes {
    return this.transforms.reduce<Boxes>((changed, each) => each.applyBoxes(changed), boxes.slice());
  }

  inverse(): TransformList {
    return new TransformList(this.transforms.map((each) => each.inverse()).reverse());
  }
}

/** Maps the corners of boxes by `point`, which writes x and y to `out`, and returns the boxes around them. */
export function mapBoxes(boxes: Boxes, point: (x: number, y: number, out: Float64Array) => void): Boxes {
  const mapped = new Float32Array(boxes.length);
  const out = new Float64Array(2);
  for (let start = 0; start < boxes.length; start += 4) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let corner = 0; corner < 4; corner++) {
      point(boxes[start + (corner & 1) * 2] as number, boxes[start + (corner >> 1) * 2 + 1] as number, out);
      const [x, y] = [out[0] as number, out[1] as number];
      x0 = Math.min(x0, x);
      y0 = Math.min(y0, y);
      x1 = Math.max(x1, x);
      y1 = Math.max(y1, y);
    }
    mapped.set([x0, y0, x1, y1], start);
  }
  return mapped;
}
