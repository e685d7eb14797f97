import { extname } from 'node:path';
import { HooklineError, writeFileAtomically } from '@hookline/core';
import type { FormatEnum } from 'sharp';
import { loadSharp } from '../load-sharp.ts';
import type { Picture } from '../transforms/image.ts';

/**
 * Writes a picture atomically as PNG, JPEG or WebP, depending on the file extension.
 *
 * @throws HooklineError `HKL_PICTURE_WRITE` for another extension, or when the file cannot be written
 */
export async function writePicture(path: string, { data, width, height, channels }: Picture): Promise<void> {
  const sharp = await loadSharp();
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
