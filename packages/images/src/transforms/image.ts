import { HooklineError } from '@hookline/core';

/** Elements of an image, from 0 to 255, as bytes or floats. */
export type Pixels = Uint8Array | Float32Array;

/** An image in memory: [height, width, channels], row-major. */
export interface Image<P extends Pixels = Pixels> {
  readonly data: P;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** An RGB image of bytes, [height, width, 3], rows from the top. The event storage accepts it unchanged. */
export interface Picture extends Image<Uint8Array> {
  readonly channels: 3;
}

/** Boxes, four numbers each: left, top, right and bottom edge in pixels. */
export type Boxes = Float32Array<ArrayBuffer>;

/** Makes an image with the type and channels of `like`, another size, and one value everywhere. */
export function blankImage<P extends Pixels>(like: Image<P>, width: number, height: number, fill = 0): Image<P> {
  const data = new (pixelArray(like.data))(width * height * like.channels);
  if (fill !== 0) data.fill(fill);
  return { data, width, height, channels: like.channels };
}

/** The constructor of an image's array. A Buffer counts as a Uint8Array. */
export function pixelArray<P extends Pixels>(data: P): new (length: number) => P {
  const array = data instanceof Float32Array ? Float32Array : Uint8Array;
  return array as unknown as new (length: number) => P;
}

/** Checks that an image has the size that a transform was made for. @throws HooklineError `HKL_IMAGE_SHAPE` if not */
export function requireSize(who: string, image: Image, width: number, height: number): void {
  if (image.width === width && image.height === height) return;
  const found = `${image.width}x${image.height}`;
  throw new HooklineError('HKL_IMAGE_SHAPE', `it was made for ${width}x${height} and got an image of ${found}`, {
    who,
    fix: 'Make the transform from the image that it is applied to',
  });
}
