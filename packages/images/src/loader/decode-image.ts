import { readFile } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import { loadSharp } from '../load-sharp.ts';
import { imageHeaderOf, type ImageHeader } from '../readers/image-header.ts';
import type { Picture } from '../transforms/image.ts';
import type { Size } from '@hookline/inference/detections';

/** An image to decode. It is plain data, because it is sent between threads. */
export interface DecodeRequest {
  readonly file: string;
  /** Size of the image in its record, in pixels. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Size after resizing, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Whether to apply the EXIF rotation. */
  readonly orient: boolean;
}

/**
 * Decodes an image file to RGB bytes, [height, width, 3], and resizes it. Grey becomes three equal channels, and transparent pixels
 * are blended with white.
 *
 * @param pixels memory for the `height * width * 3` bytes; by default newly allocated
 * @param content content of the file; by default the file is read
 * @returns `pixels`
 * @throws Error when the file cannot be decoded to its end, or has another size than the record says
 */
export async function decodeImage<A extends ArrayBufferLike = ArrayBuffer>(
  { file, sourceWidth, sourceHeight, width, height, orient }: DecodeRequest,
  pixels = new Uint8Array(width * height * 3) as unknown as Uint8Array<A>,
  content?: Uint8Array,
): Promise<Uint8Array<A>> {
  // Read the whole file first: libvips memory-maps a path, and a file that shrinks meanwhile would kill the process (SIGBUS).
  const [bytes, sharp] = await Promise.all([content ?? readFile(file), loadSharp()]);
  const header = await readHeader(bytes);
  const seen = seenSize(header, orient);
  if (seen.width !== sourceWidth || seen.height !== sourceHeight)
    throw new Error(`it is ${seen.width}x${seen.height} and its record says ${sourceWidth}x${sourceHeight}`);
  const opaque = sharp(bytes, { failOn: 'error', autoOrient: orient });
  const image = (header.hasAlpha ? opaque.flatten({ background: '#fff' }) : opaque).toColourspace('srgb');
  const resized = resize(image, seen, { width, height });
  const { data, info } = await resized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height || (info.channels !== 3 && info.channels !== 1))
    throw new Error(`it was decoded to ${info.width}x${info.height} with ${info.channels} channels`);
  // Copied, because the decoder's buffer cannot be transferred to another thread.
  if (info.channels === 3) pixels.set(data);
  else for (let at = 0; at < pixels.length; at++) pixels[at] = data[Math.floor(at / 3)] ?? 0;
  return pixels;
}

/**
 * Resizes a picture as {@link decodeImage} resizes an image file. The results are equal, except for the kinds of files that
 * `prepareImage` lists.
 */
export async function resizePicture(picture: Picture, size: Size): Promise<Picture> {
  const { data, width, height, channels } = picture;
  if (size.width === width && size.height === height) return picture;
  const image = (await loadSharp())(data, { raw: { width, height, channels } });
  const resized = await resize(image, picture, size).raw().toBuffer();
  return { data: new Uint8Array(resized), width: size.width, height: size.height, channels };
}

/** Resizes an image with sharp's default kernels. No other function resizes whole images for a network; `@hookline/inference` computes the same. */
const resize = (image: Sharp, from: Size, to: Size): Sharp =>
  from.width === to.width && from.height === to.height ? image : image.resize(to.width, to.height, { fit: 'fill' });

/** Reads an image header with our own parser if it knows the format, else with sharp, which takes six times as long. */
export const readHeader = async (
  content: Uint8Array,
): Promise<Pick<ImageHeader, 'width' | 'height' | 'hasAlpha' | 'orientation'>> =>
  imageHeaderOf(content) ?? (await loadSharp())(content).metadata();

/** Size of an image, upright with `orient`, else as stored. Orientations from 5 on swap width and height. */
export const seenSize = (
  { width, height, orientation = 1 }: Pick<ImageHeader, 'width' | 'height' | 'orientation'>,
  orient: boolean,
): Size => (orient && orientation >= 5 ? { width: height, height: width } : { width, height });
