import { HooklineError } from '@hookline/core';
import { blankImage, type Boxes, type Image, type Pixels } from './image.ts';
import { NO_TRANSFORM, type Transform } from './transform.ts';
import { wordsOf } from './words.ts';

/** Weights of red, green and blue in luma (ITU-R BT.601). */
export const LUMA = [0.299, 0.587, 0.114] as const;

/** The source with which an image is blended: its mean, black, or the grey value (luma) of each pixel. */
export type BlendSource = 'mean' | 'black' | 'grey';

/**
 * Blends an image with a source: (1 - weight) * source + weight * image, clamped to 0 to 255. The source `mean` changes contrast,
 * `black` brightness, and `grey` saturation, which an image without three channels does not have.
 */
export class BlendTransform implements Transform {
  readonly source: BlendSource;
  readonly weight: number;

  constructor(source: BlendSource, weight: number) {
    this.source = source;
    this.weight = weight;
  }

  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    const { weight } = this;
    if (this.source === 'grey') return saturate(image, weight);
    return mapValues(image, weight, this.source === 'black' ? 0 : (1 - weight) * mean(image.data));
  }

  applyBoxes(boxes: Boxes): Boxes {
    return boxes.slice();
  }

  inverse(): Transform {
    return NO_TRANSFORM;
  }
}

/** Adds an offset to each channel, clamped to 0 to 255. */
export class ShiftColorTransform implements Transform {
  /** One offset for each channel. */
  readonly shift: readonly number[];

  constructor(shift: readonly number[]) {
    this.shift = shift;
  }

  /** @throws HooklineError `HKL_IMAGE_SHAPE` for an image with another number of channels */
  applyImage<P extends Pixels>(image: Image<P>): Image<P> {
    const { channels } = image;
    if (channels !== this.shift.length) {
      throw new HooklineError(
        'HKL_IMAGE_SHAPE',
        `it shifts ${this.shift.length} channels, and the image has ${channels}`,
        {
          who: 'ShiftColorTransform',
          fix: 'Give one offset for each channel of the image',
        },
      );
    }
    const shifted = blankImage(image, image.width, image.height);
    const rounding = shifted.data instanceof Uint8Array ? 0.5 : 0;
    for (let at = 0; at < image.data.length; at++) {
      const value = (image.data[at] as number) + (this.shift[at % channels] as number);
      shifted.data[at] = clampByte(value) + rounding;
    }
    return shifted;
  }

  applyBoxes(boxes: Boxes): Boxes {
    return boxes.slice();
  }

  inverse(): Transform {
    return NO_TRANSFORM;
  }
}

const clampByte = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);

function mapValues<P extends Pixels>(image: Image<P>, scale: number, offset: number): Image<P> {
  const mapped = blankImage(image, image.width, image.height);
  const { data } = image;
  const to: Pixels = mapped.data;
  if (data instanceof Uint8Array && to instanceof Uint8Array) {
    // A table of 256 values is faster, because an image has many more pixels.
    const table = new Uint8Array(256);
    for (let value = 0; value < 256; value++) table[value] = clampByte(scale * value + offset) + 0.5;
    mapBytes(data, to, table);
    return mapped;
  }
  for (let at = 0; at < data.length; at++) to[at] = clampByte(scale * (data[at] as number) + offset);
  return mapped;
}

function mapBytes(data: Uint8Array, to: Uint8Array, table: Uint8Array): void {
  const [words, toWords] = [wordsOf(data), wordsOf(to)];
  let at = 0;
  if (words !== undefined && toWords !== undefined) {
    mapWords(words, toWords, table);
    at = words.length * 4;
  }
  for (; at < data.length; at++) to[at] = table[data[at] as number] as number;
}

function mapWords(words: Int32Array, to: Int32Array, table: Uint8Array): void {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as number;
    to[at] =
      (table[word & 0xff] as number) |
      ((table[(word >> 8) & 0xff] as number) << 8) |
      ((table[(word >> 16) & 0xff] as number) << 16) |
      ((table[word >>> 24] as number) << 24);
  }
}

function saturate<P extends Pixels>(image: Image<P>, weight: number): Image<P> {
  if (image.channels !== 3) return image;
  const mixed = blankImage(image, image.width, image.height);
  const { data } = image;
  const to: Pixels = mixed.data;
  const rounding = to instanceof Uint8Array ? 0.5 : 0;
  const [red, green, blue] = LUMA.map((share) => share * (1 - weight)) as [number, number, number];
  for (let at = 0; at < data.length; at += 3) {
    const [r, g, b] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
    const grey = red * r + green * g + blue * b;
    to[at] = clampByte(grey + weight * r) + rounding;
    to[at + 1] = clampByte(grey + weight * g) + rounding;
    to[at + 2] = clampByte(grey + weight * b) + rounding;
  }
  return mixed;
}

function mean(data: Pixels): number {
  if (data.length === 0) return 0;
  let sum = 0;
  if (data instanceof Float32Array) for (const value of data) sum += value;
  else sum = sumOfBytes(data);
  return sum / data.length;
}

/** Sums bytes, four at a time where possible, with two partial sums in one number. */
function sumOfBytes(data: Uint8Array): number {
  let sum = 0;
  const words = wordsOf(data);
  const count = words?.length ?? 0;
  for (let block = 0; block < count; block += 128) {
    let pairs = 0;
    const end = Math.min(block + 128, count);
    for (let at = block; at < end; at++) {
      const word = (words as Int32Array)[at] as number;
      pairs = (pairs + (word & 0xff00ff) + ((word >>> 8) & 0xff00ff)) | 0;
    }
    sum += (pairs & 0xffff) + (pairs >>> 16);
  }
  for (let at = count * 4; at < data.length; at++) sum += data[at] as number;
  return sum;
}
