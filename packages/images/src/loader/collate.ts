import { HooklineError } from '@hookline/core';
import type { BatchFields, MappedSample } from './detection-batch.ts';
import type { Size } from '@hookline/inference/detections';
import type { Pixels } from '../transforms/image.ts';

/** Element type of a batch's images on the host. */
export type ImageType = 'auto' | 'float32' | 'uint8';

/** Options of {@link collate}. */
export interface CollateOptions {
  /** Size of the batch's images in pixels. @default that of the largest sample */
  readonly frame?: Size | undefined;
  /** Without `frame`, width and height of a batch are multiples of this. */
  readonly divisor: number;
  /** M, the number of object slots per image. @default the largest number of objects of a sample */
  readonly maxBoxes: number | undefined;
  /** Value, from 0 to 255, of padding pixels. */
  readonly fill: number;
  /** Element type of the images. `auto`: uint8 when all images are, else float32. */
  readonly dtype: ImageType;
}

/**
 * Collates samples into one batch; images are at the top left and padded at the right and bottom.
 *
 * @throws HooklineError `HKL_BATCH_FRAME` with the file of an image that is larger than the frame, `HKL_BATCH_BOXES` with
 * the file of an image with more objects than `maxBoxes`
 */
export function collate(samples: readonly MappedSample[], options: CollateOptions): BatchFields {
  const { fill, dtype } = options;
  const count = samples.length;
  const { width, height } = options.frame ?? commonSize(samples, options.divisor);
  const slots = options.maxBoxes ?? Math.max(0, ...samples.map(({ classes }) => classes.length));
  const isBytes =
    dtype === 'uint8' || (dtype === 'auto' && samples.every(({ image }) => image.data instanceof Uint8Array));
  const pixels = new (isBytes ? Uint8Array : Float32Array)(count * width * height * 3);
  // A clamped array rounds floats to the nearest byte; a plain Uint8Array would wrap them modulo 256.
  const target = isBytes ? new Uint8ClampedArray(pixels.buffer) : pixels;
  const boxes = new Float32Array(count * slots * 4);
  const classes = new Int32Array(count * slots).fill(-1);
  const counts = Int32Array.from(samples, (sample) => sample.classes.length);
  const sizes = Int32Array.from(samples.flatMap(({ image }) => [image.height, image.width]));
  for (const [index, sample] of samples.entries()) {
    const { image } = sample;
    if (image.width > width || image.height > height) throw tooLarge(sample, width, height);
    if (sample.classes.length > slots) throw tooMany(sample, slots);
    place(image, target, index * width * height * 3, { width, height }, fill);
    boxes.set(sample.boxes, index * slots * 4);
    classes.set(sample.classes, index * slots);
  }
  return {
    images: { data: pixels, shape: [count, height, width, 3], dtype: 'float32' },
    boxes: { data: boxes, shape: [count, slots, 4], dtype: 'float32' },
    classes: { data: classes, shape: [count, slots], dtype: 'int32' },
    counts: { data: counts, shape: [count], dtype: 'int32' },
    sizes: { data: sizes, shape: [count, 2], dtype: 'int32' },
  };
}

/** Copies an image to the top left of its row of the batch, and pads the rest. */
function place(
  image: MappedSample['image'],
  pixels: Pixels | Uint8ClampedArray,
  start: number,
  frame: Size,
  fill: number,
): void {
  const [row, frameRow] = [image.width * 3, frame.width * 3];
  const [end, frameEnd] = [start + image.height * frameRow, start + frame.height * frameRow];
  // One copy of the whole image is fastest, where the widths allow it.
  if (row === frameRow) pixels.set(image.data.subarray(0, image.height * row), start);
  else
    for (let y = 0, at = start; at < end; y++, at += frameRow) {
      pixels.set(image.data.subarray(y * row, (y + 1) * row), at);
      pixels.fill(fill, at + row, at + frameRow);
    }
  pixels.fill(fill, end, frameEnd);
}

function commonSize(samples: readonly MappedSample[], divisor: number): Size {
  const up = (lengths: number[]): number => Math.ceil(Math.max(...lengths) / divisor) * divisor;
  return {
    width: up(samples.map(({ image }) => image.width)),
    height: up(samples.map(({ image }) => image.height)),
  };
}

function tooLarge({ file, image }: MappedSample, width: number, height: number): HooklineError {
  const what = `it is ${image.width}x${image.height} after augmentation, and the batch ${width}x${height}`;
  const fix = 'End the augmentations with fixedSizeCrop or resize to the size of the batch, or set a larger size';
  return new HooklineError('HKL_BATCH_FRAME', what, { who: file, fix });
}

function tooMany({ file, classes }: MappedSample, slots: number): HooklineError {
  const what = `it shows ${classes.length} objects, and maxBoxes is ${slots}`;
  return new HooklineError('HKL_BATCH_BOXES', what, { who: file, fix: 'Raise maxBoxes, or leave it out' });
}
