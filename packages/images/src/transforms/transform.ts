import type { Boxes, Image, Pixels } from './image.ts';

/** A deterministic transform of an image and its boxes; any random numbers have already been drawn. */
export interface Transform {
  /** Returns a new image, or the same one when nothing changes. The argument is not modified. */
  applyImage<P extends Pixels>(image: Image<P>): Image<P>;
  /** Returns the boxes around the transformed corners, not clipped to the image. The argument is not modified. */
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

/** The matrix [[a, b, c], [d, e, f]]: x' = a x + b y + c, y' = d x + e y + f. Coordinates refer to edges, not centres, of pixels. */
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
