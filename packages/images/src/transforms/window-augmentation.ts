import { PADDING } from '@hookline/inference/detections';
import { assertKnownOptions, type OptionNames, type RandomStream } from '@hookline/core';
import { AffineTransform } from './affine-transform.ts';
import { type Augmentation, type AugmentationInput, requireOption, uniform } from './augmentation.ts';
import { builtIn } from './augmentation-spec.ts';

/** Options of {@link randomWindow}. */
export interface RandomWindowOptions {
  /** Size in pixels of the window, which is the size of the augmented image. */
  readonly width: number;
  readonly height: number;
  /** The image is first scaled by e^u, with u uniform in [-scale, scale]. @default 0.35 */
  readonly scale?: number;
  /** Maximum rotation in degrees, in either direction. Boxes become those around the rotated ones. @default 0 */
  readonly angle?: number;
  /** Whether to rotate the image also by 0, 90, 180 or 270 degrees, with equal probability. @default false */
  readonly quarterTurns?: boolean;
  /** Probability that the window is placed over a random object; otherwise its place is random. @default 0.9 */
  readonly onObject?: number;
  /** Value of pixels beyond the image. @default 114 */
  readonly fill?: number;
}

const OPTIONS = {
  width: true,
  height: true,
  scale: true,
  angle: true,
  quarterTurns: true,
  onObject: true,
  fill: true,
} as const satisfies OptionNames<RandomWindowOptions>;

/**
 * Scales and rotates the image and crops a window of a fixed size, usually around an object. When objects are small in large
 * images, the network thus sees many of them in few pixels. The place of the object in the window is random. The window extends
 * beyond the image only when the scaled image is smaller than the window.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for sizes that are not positive integers and for values out of range,
 * `HKL_OPTION_UNKNOWN`
 */
export function randomWindow(options: RandomWindowOptions): Augmentation {
  assertKnownOptions('randomWindow', options, OPTIONS);
  const { width, height, scale = 0.35, angle = 0, quarterTurns = false, onObject = 0.9, fill = PADDING } = options;
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  requireOption(isSize, 'randomWindow', `width and height must be whole numbers from 1 up, not ${width} and ${height}`);
  requireOption(scale >= 0 && angle >= 0, 'randomWindow', 'scale and angle must be 0 or more');
  requireOption(onObject >= 0 && onObject <= 1, 'randomWindow', `onObject must be in [0, 1], not ${onObject}`);
  return builtIn('randomWindow', [options], (input, random) => {
    const factor = Math.exp(uniform(random, -scale, scale));
    const quarters = quarterTurns ? random.int(4) : 0;
    const degrees = uniform(random, -angle, angle);
    const [cos, sin] = cosAndSin(quarters, degrees);
    const [a, b, d, e] = [factor * cos, factor * sin, -factor * sin, factor * cos];
    const [focusX, focusY, reachX, reachY] = focusOf(input, random, onObject);
    // The place of the focus in the window, such that the whole object is visible if it fits.
    const halfX = Math.abs(a) * reachX + Math.abs(b) * reachY;
    const halfY = Math.abs(d) * reachX + Math.abs(e) * reachY;
    const atX = placeIn(random, width, halfX);
    const atY = placeIn(random, height, halfY);
    const { width: wide, height: high } = input.image;
    const x = keepInside(atX - (a * focusX + b * focusY), spanOf(a * wide, b * high), width);
    const y = keepInside(atY - (d * focusX + e * focusY), spanOf(d * wide, e * high), height);
    const size = { width: wide, height: high, newWidth: width, newHeight: height };
    return new AffineTransform({ matrix: [a, b, x, d, e, y], ...size, fill });
  });
}

/** Cosine and sine, exact for quarter turns, so that these do not interpolate pixels. */
function cosAndSin(quarters: number, degrees: number): [cos: number, sin: number] {
  const radians = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return [
    [cos, sin],
    [-sin, cos],
    [-cos, -sin],
    [sin, -cos],
  ][quarters] as [number, number];
}

/** Chooses a place in the image, with half the width and height of the object there (0 without an object). */
function focusOf(
  { image: { width, height }, boxes }: AugmentationInput,
  random: RandomStream,
  onObject: number,
): [x: number, y: number, reachX: number, reachY: number] {
  const count = boxes.length / 4;
  if (count === 0 || random.float() >= onObject) return [random.float() * width, random.float() * height, 0, 0];
  const at = random.int(count) * 4;
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = boxes.subarray(at, at + 4);
  return [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
}

const placeIn = (random: RandomStream, length: number, half: number): number => {
  const free = Math.max(0, length / 2 - half);
  return length / 2 + uniform(random, -free, free);
};

/** The interval that the transformed image covers on one axis, before the shift. */
const spanOf = (across: number, down: number): [from: number, to: number] => [
  Math.min(0, across) + Math.min(0, down),
  Math.max(0, across) + Math.max(0, down),
];

/** The shift closest to `shift` for which the window shows as little as possible outside the image. */
function keepInside(shift: number, [from, to]: readonly [number, number], length: number): number {
  const [low, high] = [length - to, -from];
  // An image smaller than the window may be anywhere in it.
  return low <= high ? Math.min(Math.max(shift, low), high) : Math.min(Math.max(shift, high), low);
}
