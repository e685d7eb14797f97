import type { Boxes, Image, Pixels } from './image.ts';

/** A fixed change of an image and its boxes; random numbers have been drawn before. */
export interface Transform {
  /** A new image, or the same one where nothing changes; its argument is left alone. */
  applyImage<P extends Pixels>(image: Image<P>): Image<P>;
  /** The boxes around the four transformed corners, not clipped to the image; the argument is left alone. */
  applyBoxes(boxes: Boxes): Boxes;
  /** The inverse change. Pixels outside of a crop and changed colours are not restored. */
  inverse(): Transform;
}

/** The transform that changes nothing. */
export const NO_TRANSFORM: Transform = {
  applyImage: (image) => image,
  applyBoxes: (boxes) => boxes.slice(),
  inverse: () => NO_TRANSFORM,
};

/** The matrix [[a, b, c], [d, e, f]]: x' = a x + b y + c, y' = d x + e y + f, on edges, not on centres of pixels. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Several transforms, applied one after the other. */
export class TransformList implements Transform {
  /** Without lists inside, and without {@link NO_TRANSFORM}. */
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

/** Boxes around the corners that `point` moves. `point` writes x and y into `out`. */
export function mapBoxes(boxes: Boxes, point: (x: number, y: number, out: Float64Array) => void): Boxes {
  const mapped = new Float32Array(boxes.length);
  const out = new Float64Array(2);
  for (let start = 0; start < boxes.length; start += 4) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let corner = 0; corner < 4; corner++) {
      point(boxes[start + (corner & 1) * 2] ?? 0, boxes[start + (corner >> 1) * 2 + 1] ?? 0, out);
      const [x = 0, y = 0] = out;
      x0 = Math.min(x0, x);
      y0 = Math.min(y0, y);
      x1 = Math.max(x1, x);
      y1 = Math.max(y1, y);
    }
    mapped.set([x0, y0, x1, y1], start);
  }
  return mapped;
}
