import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HooklineError, type tf } from 'hookline';
import { type Digits, drawDigits, SIDE } from './draw-digits.ts';

/** The first nine tenths of the digits are for training, the last tenth is for testing. */
export interface DigitsSplit {
  readonly train: Digits;
  readonly test: Digits;
}

/** The source of the digits. */
export interface DigitsOptions {
  /** Folder to read from. If it is empty, digits are drawn. */
  readonly root: string;
  /** Number of digits to draw. */
  readonly count: number;
}

/** A cache of what this process has loaded, because training and every evaluation load the digits. */
const loaded = new Map<string, Promise<Digits>>();

function load(key: string, root: string, count: number): Promise<Digits> {
  const digits = root === '' ? Promise.resolve(drawDigits(count)) : readDigits(root);
  loaded.set(key, digits);
  return digits;
}

/**
 * Reads `images-*x28x28.u8` and `labels-*.u8` from a folder (grey bytes, row by row; one byte for each label), or
 * draws its own digits when no folder is named.
 */
export async function loadDigits({ root, count }: DigitsOptions): Promise<DigitsSplit> {
  const key = `${root}:${count}`;
  const { images, labels } = await (loaded.get(key) ?? load(key, root, count));
  const cut = Math.floor(labels.length * 0.9);
  const pixels = SIDE * SIDE;
  return {
    train: { images: images.subarray(0, cut * pixels), labels: labels.subarray(0, cut) },
    test: { images: images.subarray(cut * pixels), labels: labels.subarray(cut) },
  };
}

async function readDigits(root: string): Promise<Digits> {
  const files = await readdir(root).catch((cause: unknown) => {
    throw invalid(root, `it cannot be read: ${(cause as Error).message}`, cause);
  });
  const read = async (pattern: RegExp, what: string): Promise<Uint8Array> => {
    const name = files.find((file) => pattern.test(file));
    if (name === undefined) throw invalid(root, `there is no ${what} in it`);
    return readFile(join(root, name));
  };
  const images = await read(/^images-.*x28x28\.u8$/, 'images-*x28x28.u8');
  const labels = await read(/^labels-.*\.u8$/, 'labels-*.u8');
  if (images.length === labels.length * SIDE * SIDE) return { images, labels };
  throw invalid(root, `${images.length / (SIDE * SIDE)} images and ${labels.length} labels are in it`);
}

const invalid = (root: string, what: string, cause?: unknown): HooklineError =>
  new HooklineError('HKL_DIGITS_INVALID', what, {
    who: `data.root=${root}`,
    fix: 'Name a folder with the files images-*x28x28.u8 and labels-*.u8, or leave data.root out to train on drawn digits',
    cause,
  });

/** A batch on the device: grey images [batch, 28, 28, 1] with values from 0 to 255, and labels [batch]. */
export interface DigitBatch {
  readonly image: tf.Tensor4D;
  readonly label: tf.Tensor1D;
}

/** Digits as the fields of an ArrayLoader. */
export function digitFields({ images, labels }: Digits) {
  return {
    image: { data: images, shape: [labels.length, SIDE, SIDE, 1] as const },
    label: { data: labels, shape: [labels.length] as const },
  };
}
