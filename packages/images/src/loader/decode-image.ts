import { readFile } from 'node:fs/promises';
import { loadSharp } from '../load-sharp.ts';
import { imageHeaderOf, type ImageHeader } from '../readers/image-header.ts';
import type { DecodeRequest } from './decode-request.ts';
import type { Size } from './fit-size.ts';

/**
 * Decodes an image file to red, green and blue bytes, row by row. Grey becomes three equal channels, and what is transparent
 * is laid on white, as most viewers show it.
 *
 * @param pixels takes the `height * width * 3` bytes; by default new memory
 * @param content of the file; by default it is read
 * @returns `pixels`
 * @throws Error when the file cannot be decoded to its end, or has another size than the record says
 */
export async function decodeImage<A extends ArrayBufferLike = ArrayBuffer>(
  { file, sourceWidth, sourceHeight, width, height, orient }: DecodeRequest,
  pixels = new Uint8Array(width * height * 3) as unknown as Uint8Array<A>,
  content?: Uint8Array,
): Promise<Uint8Array<A>> {
  // In one piece: libvips maps a file that it is given, and one that shrinks meanwhile would end the process (SIGBUS).
  const [bytes, sharp] = await Promise.all([content ?? readFile(file), loadSharp()]);
  const header = await readHeader(bytes);
  const seen = seenSize(header, orient);
  if (seen.width !== sourceWidth || seen.height !== sourceHeight)
    throw new Error(`it is ${seen.width}x${seen.height} and its record says ${sourceWidth}x${sourceHeight}`);
  const opaque = sharp(bytes, { failOn: 'error', autoOrient: orient });
  const image = (header.hasAlpha ? opaque.flatten({ background: '#fff' }) : opaque).toColourspace('srgb');
  const resized =
    width === sourceWidth && height === sourceHeight ? image : image.resize(width, height, { fit: 'fill' });
  const { data, info } = await resized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height || (info.channels !== 3 && info.channels !== 1))
    throw new Error(`it was decoded to ${info.width}x${info.height} with ${info.channels} channels`);
  // A copy, since the buffer of a decoder cannot be handed to another thread.
  if (info.channels === 3) pixels.set(data);
  else for (let at = 0; at < pixels.length; at++) pixels[at] = data[Math.floor(at / 3)] ?? 0;
  return pixels;
}

/** What a decoder needs to know of an image beforehand, by our own reader where it can tell: a decoder takes six times as long. */
export const readHeader = async (
  content: Uint8Array,
): Promise<Pick<ImageHeader, 'width' | 'height' | 'hasAlpha' | 'orientation'>> =>
  imageHeaderOf(content) ?? (await loadSharp())(content).metadata();

/** Pixels of an image as stored, or as it is looked at: orientations from 5 on lie on their sides. */
export const seenSize = (
  { width, height, orientation = 1 }: Pick<ImageHeader, 'width' | 'height' | 'orientation'>,
  orient: boolean,
): Size => (orient && orientation >= 5 ? { width: height, height: width } : { width, height });
