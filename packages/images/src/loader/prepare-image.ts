import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';
import { type Detections, fitSize, PADDING, type Size, toImagePixels } from '@hookline/inference/detections';
import type { Image, Picture } from '../transforms/image.ts';
import { NO_TRANSFORM, TransformList } from '../transforms/transform.ts';
import { collate } from './collate.ts';
import { decode, DECODE_OPTIONS, type Decoded, type DecodeFileOptions } from './decode-file.ts';
import { resizePicture } from './decode-image.ts';

/** An image: the path of its file, the content of its file, or its pixels. */
export type ImageSource = string | Uint8Array | Picture;

/** Options of {@link prepareImage}. Use those of the loader with which the network was trained. */
export interface PrepareImageOptions extends DecodeFileOptions {
  /** Value, from 0 to 255, of the padding pixels at the right and bottom of the input. @default 114 */
  readonly fill?: number;
}

/** All names of {@link PrepareImageOptions}. */
export const PREPARE_OPTIONS = {
  ...DECODE_OPTIONS,
  fill: true,
} as const satisfies OptionNames<PrepareImageOptions>;

/** An image as the input of a network. */
export interface PreparedImage {
  /** The network's input, with the image at the top left and padding elsewhere. */
  readonly input: Picture;
  /** Size of the image in `input`, without padding, in pixels. */
  readonly seen: Size;
  /** Size of the upright image, EXIF rotation applied, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Maps detections from pixels of `input` to pixels of the upright image. */
  readonly toImage: (found: Detections) => Detections;
}

/**
 * Prepares one image for a network with the same functions as a {@link DetectionLoader}. The input is bit-identical to that of a batch
 * without augmentation.
 *
 * Pixels give the same input as the file that they were decoded from, with three exceptions: JPEG (from a factor of 3 on) and WebP
 * are shrunk while they are decoded, photos with an EXIF quarter turn are resized before they are turned, and images of 16 bits
 * per channel are rounded to bytes last. Give such images by path or by content.
 *
 * @throws HooklineError `HKL_PICTURE_READ` for a file that cannot be decoded, `HKL_OPTION_UNKNOWN`
 */
export async function prepareImage(image: ImageSource, options: PrepareImageOptions = {}): Promise<PreparedImage> {
  assertKnownOptions('prepareImage', options, PREPARE_OPTIONS);
  const { size, fill = PADDING } = options;
  const { image: resized, source, shown, turn } = await load(image, options);
  const sample = {
    file: '',
    image: resized,
    boxes: new Float32Array(0),
    classes: [],
    transform: new TransformList([]),
  };
  const { images } = collate([sample], { frame: size, divisor: 1, maxBoxes: 0, fill, dtype: 'uint8' });
  const { width, height } = size ?? resized;
  const seen = { width: resized.width, height: resized.height };
  return {
    input: { data: images.data as Uint8Array, width, height, channels: 3 },
    seen,
    ...shown,
    toImage: (found) => {
      const { boxes, ...rest } = toImagePixels(found, seen, source);
      return { ...rest, boxes: turn.applyBoxes(boxes as Float32Array<ArrayBuffer>) };
    },
  };
}

async function load(
  image: ImageSource,
  options: PrepareImageOptions,
): Promise<Omit<Decoded, 'image'> & { readonly image: Image<Uint8Array> }> {
  if (typeof image === 'string' || image instanceof Uint8Array) return decodePicture(image, options);
  const { width, height } = image;
  const { size, fit = 'inside' } = options;
  const source = { width, height };
  return { image: await resizePicture(image, fitSize(source, size, fit)), source, shown: source, turn: NO_TRANSFORM };
}

/** Decodes a file to RGB pixels, as {@link decode} does. @throws HooklineError `HKL_PICTURE_READ` */
async function decodePicture(from: string | Uint8Array, options: DecodeFileOptions): Promise<Decoded> {
  try {
    return await decode(from, options);
  } catch (cause) {
    const { who, what = 'the file cannot be read as an image', fix } = cause as Partial<HooklineError>;
    throw new HooklineError('HKL_PICTURE_READ', what, {
      who,
      fix: fix?.includes('checkImages') === false ? fix : 'Give a complete JPEG, PNG, WebP, GIF, AVIF or TIFF file',
      cause,
    });
  }
}

/**
 * Reads an image file as {@link decodeFile} does: with its EXIF rotation applied, and transparent pixels blended with white.
 *
 * @param options.orient false to read the pixels as stored. @default true
 * @throws HooklineError `HKL_PICTURE_READ`, `HKL_OPTION_UNKNOWN`
 */
export async function readPicture(path: string, options: Pick<DecodeFileOptions, 'orient'> = {}): Promise<Picture> {
  assertKnownOptions('readPicture', options, { orient: true } satisfies OptionNames<typeof options>);
  return { ...(await decodePicture(path, options)).image, channels: 3 };
}
