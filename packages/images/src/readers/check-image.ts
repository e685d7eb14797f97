import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Metadata } from 'sharp';
import { loadSharp } from '../load-sharp.ts';
import { pictureFault } from './picture-fault.ts';
import { jpegDamage } from './cut-jpeg.ts';
import type { ImageCheck } from './dataset.ts';
import type { DatasetProblem, ProblemList } from './dataset-report.ts';
import { type ImageHeader, readImageHeader } from './image-header.ts';
import type { ImageMemory } from './image-memory.ts';

/** The size in pixels that the annotation file states for an image; undefined where it states none. */
export interface StatedSize {
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** What a record takes from a checked image: its size in pixels, and `orient: false` when its EXIF orientation must be ignored. */
export interface CheckedImage {
  readonly width: number;
  readonly height: number;
  readonly orient?: false;
}

/** sharp's names of formats whose file extension differs from the name. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['.jpg', '.jpeg', '.jpe', '.jfif'].map((ending) => [ending, 'jpeg'])),
  ...Object.fromEntries(['.avif', '.heic', '.heif'].map((ending) => [ending, 'heif'])),
  '.tif': 'tiff',
};

/**
 * Checks an image file and adds what it finds to `problems`.
 *
 * @param stated the size in the annotations; undefined for a format that never states sizes, and then that of the image itself is
 * used without a note
 * @param memory images that were found to be sound before
 * @returns its size in pixels as displayed, or as stored with `orient: false`, or undefined when the image must be dropped
 */
export async function checkImage(
  file: string,
  stated: StatedSize | undefined,
  level: ImageCheck,
  problems: ProblemList,
  memory?: ImageMemory,
): Promise<CheckedImage | undefined> {
  const add = (
    effect: DatasetProblem['effect'],
    kind: DatasetProblem['kind'],
    message: string,
  ): CheckedImage | undefined => {
    problems.add(effect, kind, file, message);
    return undefined;
  };
  if (level === 'none' && stated !== undefined) {
    const { width, height } = stated;
    if (width !== undefined && height !== undefined) return { width, height };
    return add('image', 'image-size', 'the annotations do not state its size, and images are not checked');
  }
  let found: Stats;
  let header: ImageHeader | undefined;
  let isWhole = level === 'decode';
  try {
    if (level === 'decode') found = statSync(file);
    else {
      const read = readImageHeader(file);
      [found, header] = [read.stats, read.header];
      isWhole = read.isOpen;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return add('image', isMissing ? 'image-missing' : 'image-unreadable', pictureFault(file, error).what);
  }
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'a folder' : 'a named pipe or a device';
    return add('image', 'image-unreadable', `it is ${what}, not a file`);
  }
  if (found.size === 0) return add('image', 'image-unreadable', 'it is empty');
  header ??= memory?.get(file, found.size, found.mtimeMs);
  if (header !== undefined) return accept(file, header, stated, add);
  const sharp = await loadSharp();
  let metadata: Metadata;
  const before = problems.problems.length;
  try {
    // Read the whole file first: libvips memory-maps a path, and a file that shrinks meanwhile would kill the process (SIGBUS).
    const bytes = await readFile(file);
    metadata = await sharp(bytes).metadata();
    // Shrinking by 8 while decoding still reads every byte of a JPEG, in a fraction of the time. The header of a HEIC file
    // does not tell whether its pixels can be decoded.
    if (isWhole && metadata.format === 'jpeg') {
      const damage = await jpegDamage(bytes);
      if (damage === 'cut') return add('image', 'image-truncated', `${ENDS_EARLY}, and an end marker was appended`);
      if (damage === 'warned') add('note', 'image-damaged', 'some of its pixels are damaged; it is used nevertheless');
    } else if (isWhole || metadata.compression === 'hevc')
      await sharp(bytes, { failOn: 'error' }).resize({ width: 64, height: 64, fit: 'inside' }).raw().toBuffer();
  } catch (error) {
    const fault = pictureFault(file, error);
    return !isOfSystem(error) && (await endsEarly(file))
      ? add('image', 'image-truncated', ENDS_EARLY)
      : add('image', 'image-unreadable', fault.fix === undefined ? fault.what : `${fault.what}. ${fault.fix}`);
  }
  // An image with a finding is not remembered, so that the finding is reported each time.
  if (problems.problems.length === before) memory?.set(file, found.size, found.mtimeMs, metadata);
  return accept(file, metadata, stated, add);
}

/** Adds the notes about a readable image and returns its size; undefined when the stated size contradicts it. */
function accept(
  file: string,
  metadata: ImageHeader,
  stated: StatedSize | undefined,
  add: Add,
): CheckedImage | undefined {
  describe(file, metadata, add);
  if (stated !== undefined) return matchSize(stated, metadata, add);
  const { width, height, orientation = 1 } = metadata;
  noteRotation(orientation, add);
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

type Add = (
  effect: DatasetProblem['effect'],
  kind: DatasetProblem['kind'],
  message: string,
) => CheckedImage | undefined;

function describe(file: string, { format, channels, hasAlpha }: ImageHeader, add: Add): void {
  const extension = extname(file).toLowerCase();
  const named = EXTENSIONS[extension] ?? extension.slice(1);
  if (named !== '' && named !== format) add('note', 'image-misnamed', `it is named ${extension} and is ${format}`);
  if (hasAlpha) add('note', 'image-alpha', 'it has an alpha channel; its transparent pixels are blended with white');
  if (channels <= 2) add('note', 'image-grey', 'it is grey; red, green and blue will be equal');
}

function noteRotation(orientation: number, add: Add): void {
  if (orientation > 1) add('note', 'exif-rotation', `EXIF orientation ${orientation} will be applied`);
}

/** Compares the stated size with that of the image as displayed and, for a rotated image, with that of its pixels as stored. */
function matchSize(stated: StatedSize, metadata: ImageHeader, add: Add): CheckedImage | undefined {
  const { width, height, orientation = 1 } = metadata;
  const turned = orientation >= 5;
  const seen = turned ? { width: height, height: width } : { width, height };
  const fits = (size: CheckedImage): boolean => size.width === stated.width && size.height === stated.height;
  if (stated.width === undefined || stated.height === undefined) {
    add('changed', 'image-size', `the annotations do not state its size; it is ${seen.width}x${seen.height}`);
    noteRotation(orientation, add);
    return seen;
  }
  if (fits(seen)) {
    noteRotation(orientation, add);
    return seen;
  }
  if (turned && fits({ width, height })) {
    add('note', 'exif-rotation', `EXIF orientation ${orientation} will be ignored: the annotations fit it unrotated`);
    return { width, height, orient: false };
  }
  const claim = `${stated.width}x${stated.height}`;
  return add('image', 'image-size', `it is ${seen.width}x${seen.height} and the annotations say ${claim}`);
}

const ENDS_EARLY = 'it ends before all its pixels are there';

const isOfSystem = (error: unknown): boolean => (error as NodeJS.ErrnoException).syscall !== undefined;

/**
 * Whether a JPEG or PNG lacks its end marker. The decoder's message does not tell, because libvips keeps one error text for all
 * images that are being decoded.
 */
async function endsEarly(file: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  const tail = bytes.subarray(-1024);
  if (bytes.subarray(0, 2).equals(Buffer.of(0xff, 0xd8))) return !tail.includes(Buffer.of(0xff, 0xd9));
  return bytes.subarray(1, 4).equals(Buffer.from('PNG')) && !tail.includes('IEND');
}
