import { HooklineError } from '../errors.ts';

/** An image as it is handed in: rows from the top, in each row pixels from the left, in each pixel its channels (HWC). */
export interface ImageInput {
  /** Floats from 0 to 1, or bytes from 0 to 255; `height * width * channels` of them. */
  readonly data: Float32Array | Uint8Array | Uint8ClampedArray;
  readonly height: number;
  readonly width: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number;
}

/** An image of an iteration, in bytes from 0 to 255. */
export interface ImageEvent {
  readonly name: string;
  readonly iteration: number;
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Copies an image to bytes: floats are clamped to [0, 1], NaN becomes 0.
 *
 * @throws HKL_IMAGE when kind of data, sizes or number of elements are wrong
 */
export function makeImage(name: string, image: ImageInput, iteration: number): ImageEvent {
  const { data, height, width, channels } = image;
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  const sizes = Number.isInteger(height) && height > 0 && Number.isInteger(width) && width > 0;
  const fault = !['Float32Array', 'Uint8Array', 'Uint8ClampedArray'].includes(kind)
    ? `its data is ${kind}`
    : !sizes || ![1, 2, 3, 4].includes(channels)
      ? `its shape is [${height}, ${width}, ${channels}]`
      : data.length !== height * width * channels
        ? `it has ${data.length} elements, shape [${height}, ${width}, ${channels}] needs ${height * width * channels}`
        : undefined;
  if (fault !== undefined) {
    throw new HooklineError('HKL_IMAGE', fault, {
      who: `image "${name}"`,
      where: `iteration ${iteration}`,
      fix: 'Give { data, height, width, channels }, data a Float32Array (0 to 1) or Uint8Array (0 to 255), 1 to 4 channels',
    });
  }
  return {
    name,
    iteration,
    height,
    width,
    channels,
    data: kind === 'Float32Array' ? toBytes(data) : Uint8Array.from(data),
  };
}

function toBytes(floats: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(floats, (value) => Math.round(Math.min(1, Math.max(0, value || 0)) * 255));
}
