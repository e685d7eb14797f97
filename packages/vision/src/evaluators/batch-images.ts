import { HooklineError } from '@hookline/core';
import { tf } from '@hookline/tfjs';

/** The image in one row of a batch, with its size in the record and in the row. */
export interface BatchImage {
  /** Its id in the ground truth. */
  readonly imageId: number | string;
  /** Size of the image in its record, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Size in pixels of the part of the row, at the top left, that shows the image. @default the size of the row */
  readonly inputWidth?: number;
  readonly inputHeight?: number;
}

/**
 * Returns the `records` of a batch.
 *
 * @throws HooklineError `HKL_DETECT_RECORDS` for a batch without them
 */
export function findBatchImages(batch: unknown): readonly BatchImage[] {
  const { records } = batch as { readonly records?: readonly BatchImage[] };
  if (records !== undefined) return records;
  throw new HooklineError('HKL_DETECT_RECORDS', 'the batch does not say which images it holds', {
    who: 'detection evaluation',
    fix: 'Put { imageId, width, height } of each image into batch.records, or give the option images: (batch) => [...]',
  });
}

/** Size of a batch's images in pixels, from its tensor `images`. @throws HooklineError `HKL_DETECT_RECORDS` for a batch without it */
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
