import { join } from 'node:path';
import { emaRef, inEvalMode, isHooklineError, modelRef, tf } from 'hookline';
import sharp from 'sharp';
import digitsTrainer from '../digits/trainer.ts';
import { SIDE } from '../digits/draw-digits.ts';
import type { DigitBatch } from '../digits/load-digits.ts';
import ganTrainer from './trainer.ts';

/** Of the classifier's probabilities, the least that counts as recognising a digit. */
const SURE = 0.9;

/** What a classifier makes of images. */
export interface Recognition {
  /** Share of the images of which it is sure. */
  readonly recognised: number;
  /** How many images it takes for each digit, sure or not. */
  readonly counts: readonly number[];
}

/** @param logits of the classifier, [images, 10] */
export function recognition(logits: tf.Tensor2D): Recognition {
  return tf.tidy(() => {
    const sure = logits.softmax().max(1).greaterEqual(SURE).mean().dataSync()[0] ?? Number.NaN;
    const counts = tf.oneHot(logits.argMax(1) as tf.Tensor1D, 10).sum(0);
    return { recognised: sure, counts: [...counts.dataSync()] };
  });
}

/** Writes images [rows * columns, 28, 28, 1] of 0 to 1 as one picture. */
export async function writePicture(images: tf.Tensor4D, columns: number, file: string): Promise<void> {
  const rows = images.shape[0] / columns;
  const grid = tf.tidy(() =>
    images
      .reshape([rows, columns, SIDE, SIDE])
      .transpose([0, 2, 1, 3])
      .reshape([rows * SIDE, columns * SIDE])
      .mul(255)
      .dataSync(),
  );
  const raw = { width: columns * SIDE, height: rows * SIDE, channels: 1 } as const;
  await sharp(Uint8Array.from(grid, Math.round), { raw }).png().toFile(file);
}
