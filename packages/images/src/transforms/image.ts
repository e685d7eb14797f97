import { HooklineError } from '@hookline/core';

/** Elements of an image; bytes are 0 to 255, floats should be too. */
export type Pixels = Uint8Array | Float32Array;

/** An image in memory, row by row, channels innermost (HWC). */
export interface Image<P extends Pixels = Pixels> {
  readonly data: P;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A picture of bytes, red first: rows from the top, pixels from the left. The event storage takes it as it is. */
export interface Picture extends Image<Uint8Array> {
  readonly channels: 3;
}

/** Boxes one after the other, each as left, top, right and bottom edge in pixels. */
export type Boxes = Float32Array<ArrayBuffer>;

/** An image of the same kind as `like`, of another size, filled with one value. */
export function blankImage<P extends Pixels>(like: Image<P>, width: number, height: number, fill = 0): Image<P> {
  const data = new (pixelArray(like.data))(width * height * like.channels);
  if (fill !== 0) data.fill(fill);
  return { data, width, height, channels: like.channels };
}

/** The constructor of an image's array. A Buffer is a Uint8Array here. */
export function pixelArray<P extends Pixels>(data: P): new (length: number) => P {
  const array = data instanceof Float32Array ? Float32Array : Uint8Array;
  return array as unknown as new (length: number) => P;
}

/** @throws HooklineError `HKL_IMAGE_SHAPE` unless the image's size is the one that a transform was made for */
export function requireSize(who: string, image: Image, width: number, height: number): void {
  if (image.width === width && image.height === height) return;
  const found = `${image.width}x${image.height}`;
  throw new HooklineError('HKL_IMAGE_SHAPE', `it was made for ${width}x${height} and got an image of ${found}`, {
    who,
    fix: 'Make the transform from the image that it is applied to',
  });
}
