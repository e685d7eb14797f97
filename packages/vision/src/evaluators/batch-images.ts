import { HooklineError } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** Which image of the data set a row of a batch is, and how it came into the batch. */
export interface BatchImage {
  readonly imageId: number | string;
  /** Of the image as it is stored, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The part of the row that shows the image, from its left upper corner on. @default the whole row */
  readonly inputWidth?: number;
  readonly inputHeight?: number;
}

/**
 * The images of a batch: its `records`.
 *
 * @throws HooklineError `HKL_DETECT_RECORDS` for a batch without
 */
export function findBatchImages(batch: unknown): readonly BatchImage[] {
  const { records } = batch as { readonly records?: readonly BatchImage[] };
  if (records !== undefined) return records;
  throw new HooklineError('HKL_DETECT_RECORDS', 'the batch does not say which images it holds', {
    who: 'detection evaluation',
    fix: 'Put { imageId, width, height } of each image into batch.records, or give the option images: (batch) => [...]',
  });
}

/** Width and height of the rows of a batch, from its tensor `images`. */
export function inputSize(batch: unknown): { readonly width: number; readonly height: number } {
  const { images } = batch as { readonly images?: unknown };
  if (images instanceof tf.Tensor && images.rank === 4) {
    const [, height, width] = images.shape as [number, number, number, number];
    return { width, height };
  }
  throw new HooklineError('HKL_DETECT_RECORDS', 'the batch has no tensor images [batch, height, width, 3]', {
    who: 'detection evaluation',
    fix: 'Name it images, or give inputWidth and inputHeight of every image',
  });
}
