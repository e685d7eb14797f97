import { readFile } from 'node:fs/promises';
import { describeCause } from '@hookline/core';
import { loadSharp } from '../load-sharp.ts';
import type { Image } from '../transforms/image.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import { TransformList } from '../transforms/transform.ts';
import { decodeImage } from './decode-image.ts';
import { fitSize, type Fit, type Size } from './fit-size.ts';
import { PortableError } from '../portable-error.ts';

/** An image file as a {@link DetectionLoader} would decode it. */
export interface DecodedFile {
  /** Red, green and blue bytes. */
  readonly image: Image<Uint8Array<ArrayBuffer>>;
  /** Size of the image in the file, EXIF rotation applied. */
  readonly width: number;
  readonly height: number;
  /** From the pixels of the file to those of `image`; its inverse brings predictions back. */
  readonly transform: TransformList;
}

/**
 * Decodes an image of which there is no record, in this thread, to predict what is on it.
 *
 * @param options.size size to bring it to; default its own
 * @throws HooklineError `HKL_IMAGE_UNREADABLE` with the file's name
 */
export async function decodeFile(
  file: string,
  { size, fit = 'inside' }: { readonly size?: Size; readonly fit?: Fit } = {},
): Promise<DecodedFile> {
  const sharp = await loadSharp();
  try {
    const { width: sourceWidth, height: sourceHeight } = (await sharp(await readFile(file)).metadata()).autoOrient;
    const { width, height } = fitSize({ width: sourceWidth, height: sourceHeight }, size, fit);
    const data = await decodeImage({ file, sourceWidth, sourceHeight, width, height, orient: true });
    const resized = width !== sourceWidth || height !== sourceHeight;
    return {
      image: { data, width, height, channels: 3 },
      width: sourceWidth,
      height: sourceHeight,
      transform: new TransformList(resized ? [new ResizeTransform(sourceWidth, sourceHeight, width, height)] : []),
    };
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** The error of an image that cannot be decoded. */
export function unreadable(file: string, cause: unknown): PortableError {
  const reason = describeCause(cause).replace(/\s+/g, ' ').trim();
  return new PortableError('HKL_IMAGE_UNREADABLE', `it cannot be decoded: ${reason}`, {
    who: file,
    fix: 'Mend or remove the image; readers find such images with checkImages: "decode"',
    cause,
  });
}
