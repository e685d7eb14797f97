import { extname } from 'node:path';
import { HooklineError, writeFileAtomically } from '@hookline/core';
import { decodeFile, type DecodedFile, type DecodeFileOptions } from '../loader/decode-file.ts';
import type { FormatEnum } from 'sharp';
import type { Picture } from './canvas.ts';

/** Writes a picture as PNG, JPEG or WebP, by the ending of its name. @throws HooklineError `HKL_PICTURE_WRITE` */
export async function writePicture(path: string, { data, width, height, channels }: Picture): Promise<void> {
  // Loaded with the first picture, for it takes long.
  const { default: sharp } = await import('sharp');
  try {
    const format = extname(path).slice(1).toLowerCase() as keyof FormatEnum;
    const encoded = await sharp(data, { raw: { width, height, channels } }).toFormat(format).toBuffer();
    await writeFileAtomically(path, encoded);
  } catch (cause) {
    throw new HooklineError('HKL_PICTURE_WRITE', 'the picture cannot be written', {
      who: path,
      fix: 'Name it .png, .jpg or .webp, in a folder that exists',
      cause,
    });
  }
}

/**
 * Reads an image file as `decodeFile` does: turned as its EXIF data say, what is transparent on white.
 *
 * @param options.orient false for the pixels as they are stored. Default true
 * @throws HooklineError `HKL_PICTURE_READ`
 */
export async function readPicture(path: string, options: Pick<DecodeFileOptions, 'orient'> = {}): Promise<Picture> {
  return { ...(await decodePicture(path, options)).image, channels: 3 };
}

/** Decodes a file to what a network or a person sees of it. @throws HooklineError `HKL_PICTURE_READ` */
export async function decodePicture(path: string, options: DecodeFileOptions): Promise<DecodedFile> {
  try {
    return await decodeFile(path, options);
  } catch (cause) {
    const { what = 'the file cannot be read as an image', fix } = cause as { what?: string; fix?: string };
    throw new HooklineError('HKL_PICTURE_READ', what, {
      who: path,
      fix: fix?.includes('checkImages') === false ? fix : 'Give a complete JPEG, PNG, WebP, GIF, AVIF or TIFF file',
      cause,
    });
  }
}

/** The picture at another size. */
export async function resizePicture(
  { data, width, height, channels }: Picture,
  size: { readonly width: number; readonly height: number },
): Promise<Picture> {
  if (size.width === width && size.height === height) return { data, width, height, channels };
  const { default: sharp } = await import('sharp');
  const resized = sharp(data, { raw: { width, height, channels } }).resize(size.width, size.height, { fit: 'fill' });
  return { data: new Uint8Array(await resized.raw().toBuffer()), ...size, channels };
}
