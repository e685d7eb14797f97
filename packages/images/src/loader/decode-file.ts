import { readFile } from 'node:fs/promises';
import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { fitSize, type Fit, type Size } from '@hookline/inference/detections';
import type { ImageHeader } from '../readers/image-header.ts';
import { pictureFault } from '../readers/picture-fault.ts';
import { AffineTransform } from '../transforms/affine-transform.ts';
import type { Image } from '../transforms/image.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import { type AffineMatrix, NO_TRANSFORM, type Transform, TransformList } from '../transforms/transform.ts';
import { decodeImage, readHeader, seenSize } from './decode-image.ts';

/** An image decoded and resized as a {@link DetectionLoader} does. */
export interface DecodedFile {
  /** RGB bytes. */
  readonly image: Image<Uint8Array<ArrayBuffer>>;
  /** Size of the upright image, EXIF rotation applied, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Maps pixels of the upright image to those of `image`; its inverse maps predictions back. */
  readonly transform: TransformList;
}

/** Options of {@link decodeFile}. */
export interface DecodeFileOptions {
  /** Size of the network's input, in pixels. @default that of the image */
  readonly size?: Size;
  /** How the image is resized to that size: `inside` keeps the proportions, `stretch` does not. @default 'inside' */
  readonly fit?: Fit;
  /** Whether to apply the EXIF rotation; false when the training data were annotated on the pixels as stored. @default true */
  readonly orient?: boolean;
}

/** All names of {@link DecodeFileOptions}. */
export const DECODE_OPTIONS = { size: true, fit: true, orient: true } as const satisfies OptionNames<DecodeFileOptions>;

/** An image without a record, decoded and resized. */
export interface Decoded {
  readonly image: Image<Uint8Array<ArrayBuffer>>;
  /** Size of the image before it was resized, in pixels; EXIF rotation applied unless `orient` is false. */
  readonly source: Size;
  /** Size of the upright image, EXIF rotation applied, in pixels. */
  readonly shown: Size;
  /** Maps pixels of `source` to those of `shown`. */
  readonly turn: Transform;
}

/**
 * Decodes and resizes an image without a record, for a prediction. It runs in the calling thread.
 *
 * @param file path of the image
 * @throws HooklineError `HKL_IMAGE_UNREADABLE` with the file's name, `HKL_OPTION_UNKNOWN`
 */
export async function decodeFile(file: string, options: DecodeFileOptions = {}): Promise<DecodedFile> {
  assertKnownOptions('decodeFile', options, DECODE_OPTIONS);
  const { image, source, shown, turn } = await decode(file, options);
  const { width, height } = image;
  const isResized = width !== source.width || height !== source.height;
  const resize = isResized ? new ResizeTransform(source.width, source.height, width, height) : NO_TRANSFORM;
  return { image, ...shown, transform: new TransformList([turn.inverse(), resize]) };
}

/**
 * Decodes and resizes an image without a record.
 *
 * @param from path or content of a file
 * @throws HooklineError `HKL_IMAGE_UNREADABLE` with the file's name
 */
export async function decode(
  from: string | Uint8Array,
  { size, fit = 'inside', orient = true }: DecodeFileOptions = {},
): Promise<Decoded> {
  const file = typeof from === 'string' ? from : CONTENT;
  try {
    const content = typeof from === 'string' ? await readFile(from) : from;
    const header = await readHeader(content);
    const source = seenSize(header, orient);
    const { width, height } = fitSize(source, size, fit);
    const request = { file, sourceWidth: source.width, sourceHeight: source.height, width, height, orient };
    const data = await decodeImage(request, undefined, content);
    return {
      image: { data, width, height, channels: 3 },
      source,
      shown: seenSize(header, true),
      turn: orient ? NO_TRANSFORM : turnOf(header),
    };
  } catch (cause) {
    throw unreadable(from, cause);
  }
}

/** Name in errors of an image that is given by its content. */
const CONTENT = 'the image in memory';

/** Maps pixels of an image as stored to those of the upright image, for the eight EXIF orientations. */
function turnOf({ width, height, orientation = 1 }: Pick<ImageHeader, 'width' | 'height' | 'orientation'>): Transform {
  const matrix = TURNS[orientation - 1]?.(width, height);
  if (matrix === undefined || orientation === 1) return NO_TRANSFORM;
  const [newWidth, newHeight] = orientation >= 5 ? [height, width] : [width, height];
  return new AffineTransform({ matrix, width, height, newWidth, newHeight });
}

/** Affine matrices by orientation from 1, for an image of this stored width and height. */
const TURNS: readonly ((width: number, height: number) => AffineMatrix)[] = [
  () => [1, 0, 0, 0, 1, 0],
  (width) => [-1, 0, width, 0, 1, 0],
  (width, height) => [-1, 0, width, 0, -1, height],
  (_, height) => [1, 0, 0, 0, -1, height],
  () => [0, 1, 0, 1, 0, 0],
  (_, height) => [0, -1, height, 1, 0, 0],
  (width, height) => [0, -1, height, -1, 0, width],
  (width) => [0, 1, 0, -1, 0, width],
];

/** The error of an image that cannot be decoded. */
export function unreadable(image: string | Uint8Array, cause: unknown): HooklineError {
  const { what, fix = 'Replace or remove the image; readers find such images with checkImages: "decode"' } =
    pictureFault(image, cause);
  const who = typeof image === 'string' ? image : CONTENT;
  return new HooklineError('HKL_IMAGE_UNREADABLE', what, { who, fix, cause });
}
