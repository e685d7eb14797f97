import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { blankImage, requireSize, type Boxes, type Image, type Pixels } from './image.ts';
import { sampleBilinear } from './sample-bilinear.ts';
import { type AffineMatrix, mapBoxes, type Transform } from './transform.ts';

/** Options of {@link AffineTransform}. */
export interface AffineOptions {
  /** Maps positions in the original image to positions in the new one, both in pixels. */
  readonly matrix: AffineMatrix;
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  /** Size of the new image in pixels. @default the original size */
  readonly newWidth?: number;
  readonly newHeight?: number;
  /** Value of pixels outside the original image. @default 0 */
  readonly fill?: number;
}

const OPTIONS = {
  matrix: true,
  width: true,
  height: true,
  newWidth: true,
  newHeight: true,
  fill: true,
} as const satisfies OptionNames<AffineOptions>;

/** Translates, scales, rotates or shears an image with bilinear sampling. */
export class AffineTransform implements Transform {
  readonly matrix: AffineMatrix;
  readonly width: number;
  readonly height: number;
  readonly newWidth: number;
  readonly newHeight: number;
  readonly fill: number;
  readonly #back: AffineMatrix;

  /** @throws HooklineError `HKL_TRANSFORM_SINGULAR` for a matrix without inverse, `HKL_OPTION_UNKNOWN` */
  constructor(options: AffineOptions) {
    assertKnownOptions('AffineTransform', options, OPTIONS);
    const { matrix, width, height, newWidth = width, newHeight = height, fill = 0 } = options;
    this.matrix = matrix;
    this.width = width;
    this.height = height;
    this.newWidth = newWidth;
    this.newHeight = newHeight;
    this.fill = fill;
    this.#back = invert(matrix);
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    requireSize('AffineTransform', image, this.width, this.height);
    const moved = blankImage(image, this.newWidth, this.newHeight, this.fill);
    sampleBilinear(image, moved, this.#back);
    return moved;
  }

  applyBoxes(boxes: Boxes): Boxes {
    const [a, b, c, d, e, f] = this.matrix;
    return mapBoxes(boxes, (x, y, out) => {
      out[0] = a * x + b * y + c;
      out[1] = d * x + e * y + f;
    });
  }

  inverse(): AffineTransform {
    const { width, height, newWidth, newHeight, fill } = this;
    const size = { width: newWidth, height: newHeight, newWidth: width, newHeight: height };
    return new AffineTransform({ matrix: this.#back, ...size, fill });
  }
}

function invert(matrix: AffineMatrix): AffineMatrix {
  const [a, b, c, d, e, f] = matrix;
  const determinant = a * e - b * d;
  if (!Number.isFinite(1 / determinant) || !matrix.every(Number.isFinite)) {
    throw new HooklineError('HKL_TRANSFORM_SINGULAR', `the matrix [${matrix.join(', ')}] has no inverse`, {
      who: 'AffineTransform',
      fix: 'Scale by something other than 0',
    });
  }
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

/**
 * Crops a rectangle, which may extend beyond the image, and scales it to the size `newWidth` x `newHeight`.
 *
 * @param rectangle left, top, right and bottom edge in pixels of the image
 * @param size sizes of the image and of the result, in pixels, and `fill`, the value of pixels outside the image
 * @throws HooklineError `HKL_TRANSFORM_SINGULAR` for an empty rectangle, `HKL_OPTION_UNKNOWN`
 */
export function extentTransform(
  rectangle: readonly [x0: number, y0: number, x1: number, y1: number],
  size: Omit<AffineOptions, 'matrix'>,
): AffineTransform {
  const [x0, y0, x1, y1] = rectangle;
  const scaleX = (size.newWidth ?? size.width) / (x1 - x0);
  const scaleY = (size.newHeight ?? size.height) / (y1 - y0);
  return new AffineTransform({ ...size, matrix: [scaleX, 0, -x0 * scaleX, 0, scaleY, -y0 * scaleY] });
}

/**
 * Rotates an image counter-clockwise.
 *
 * @param options.angle in degrees
 * @param options.width width and height of the image in pixels
 * @param options.expand whether to enlarge the image so that all of it stays visible; default true
 * @param options.center centre of rotation in pixels; default the image's centre. It has no effect with `expand`
 * @param options.fill value of pixels outside the image; default 0
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function rotationTransform(options: {
  readonly angle: number;
  readonly width: number;
  readonly height: number;
  readonly expand?: boolean;
  readonly center?: readonly [x: number, y: number];
  readonly fill?: number;
}): AffineTransform {
  const known = { angle: true, width: true, height: true, expand: true, center: true, fill: true } as const;
  assertKnownOptions('rotationTransform', options, known satisfies OptionNames<typeof options>);
  const { angle, width, height, expand = true, center = [width / 2, height / 2], fill = 0 } = options;
  const radians = (angle * Math.PI) / 180;
  // Rounded to be exact for quarter turns, whose sizes must not grow by a rounding error.
  const rounded = (value: number): number => Math.round(value * 1e12) / 1e12;
  const [cos, sin] = [rounded(Math.cos(radians)), rounded(Math.sin(radians))];
  const newWidth = expand ? Math.round(Math.abs(width * cos) + Math.abs(height * sin)) : width;
  const newHeight = expand ? Math.round(Math.abs(width * sin) + Math.abs(height * cos)) : height;
  const [fromX, fromY] = expand ? [width / 2, height / 2] : center;
  const [toX, toY] = expand ? [newWidth / 2, newHeight / 2] : center;
  // The y axis points down, so counter-clockwise to the eye is [cos, sin; -sin, cos].
  const matrix: AffineMatrix = [cos, sin, toX - cos * fromX - sin * fromY, -sin, cos, toY + sin * fromX - cos * fromY];
  return new AffineTransform({ matrix, width, height, newWidth, newHeight, fill });
}
