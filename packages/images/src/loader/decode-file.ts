import { readFile } from 'node:fs/promises';
import type { ImageHeader } from '../readers/image-header.ts';
import type { Image } from '../transforms/image.ts';
import { AffineTransform } from '../transforms/affine-transform.ts';
import { ResizeTransform } from '../transforms/resize-transform.ts';
import type { AffineMatrix } from '../transforms/affine-matrix.ts';
import { NO_TRANSFORM, type Transform, TransformList } from '../transforms/transform.ts';
import { decodeImage, readHeader, seenSize } from './decode-image.ts';
import { fitSize, type Fit, type Size } from './fit-size.ts';
import { pictureFault } from '../readers/picture-fault.ts';
import { PortableError } from '@hookline/data';

/** An image file as a {@link DetectionLoader} would decode it. */
export interface DecodedFile {
  /** Red, green and blue bytes. */
  readonly image: Image<Uint8Array<ArrayBuffer>>;
  /** Pixels of the image as it is looked at: EXIF rotation applied. */
  readonly width: number;
  readonly height: number;
  /** From the pixels of the image as it is looked at to those of `image`; its inverse brings predictions back. */
  readonly transform: TransformList;
}

/** Options of {@link decodeFile}. */
export interface DecodeFileOptions {
  /** Size to bring it to. @default its own */
  readonly size?: Size;
  /** How it comes to that size. @default 'inside' */
  readonly fit?: Fit;
  /** Whether to apply the EXIF rotation; false where the training data were annotated on the pixels as stored. @default true */
  readonly orient?: boolean;
}

/**
 * Decodes an image of which there is no record, in this thread, to predict what is on it.
 *
 * @throws HooklineError `HKL_IMAGE_UNREADABLE` with the file's name
 */
export async function decodeFile(
  file: string,
  { size, fit = 'inside', orient = true }: DecodeFileOptions = {},
): Promise<DecodedFile> {
  try {
    const content = await readFile(file);
    const header = await readHeader(content);
    const { width: sourceWidth, height: sourceHeight } = seenSize(header, orient);
    const { width, height } = fitSize({ width: sourceWidth, height: sourceHeight }, size, fit);
    const request = { file, sourceWidth, sourceHeight, width, height, orient };
    const data = await decodeImage(request, undefined, content);
    const resized = width !== sourceWidth || height !== sourceHeight;
    const turned = orient ? [] : [turnOf(header).inverse()];
    return {
      image: { data, width, height, channels: 3 },
      ...seenSize(header, true),
      transform: new TransformList([
        ...turned,
        ...(resized ? [new ResizeTransform(sourceWidth, sourceHeight, width, height)] : []),
      ]),
    };
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** From the pixels of an image as stored to those as it is looked at, by the eight orientations of EXIF. */
function turnOf({ width, height, orientation = 1 }: Pick<ImageHeader, 'width' | 'height' | 'orientation'>): Transform {
  const matrix = TURNS[orientation - 1]?.(width, height);
  if (matrix === undefined || orientation === 1) return NO_TRANSFORM;
  const [newWidth, newHeight] = orientation >= 5 ? [height, width] : [width, height];
  return new AffineTransform({ matrix, width, height, newWidth, newHeight });
}

/** x' = ax + by + c and y' = dx + ey + f, by orientation from 1 up, of an image of this width and height. */
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
export function unreadable(file: string, cause: unknown): PortableError {
  const { what, fix = 'Mend or remove the image; readers find such images with checkImages: "decode"' } = pictureFault(
    file,
    cause,
  );
  return new PortableError('HKL_IMAGE_UNREADABLE', what, { who: file, fix, cause });
}
