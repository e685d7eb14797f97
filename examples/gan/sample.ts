import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConsoleLogger, emaRef, inEvalMode, modelRef, tf } from 'hookline';
import sharp from 'sharp';
import { SIDE } from '../digits/draw-digits.ts';
import { loadDigits } from '../digits/load-digits.ts';
import digitsTrainer from '../digits/trainer.ts';
import ganTrainer, { DIGITS } from './trainer.ts';

/** A classifier's results for generated images. */
export interface Recognition {
  /** Share of the images, 0 to 1, that are classified as the requested digit. */
  readonly recognised: number;
  /** Number of images classified as each digit. */
  readonly counts: readonly number[];
}

/** @param logits the classifier's outputs [images, 10] @param asked the requested digit of each image */
export function recognition(logits: tf.Tensor2D, asked: readonly number[]): Recognition {
  const seen = [...tf.tidy(() => logits.argMax(1)).dataSync()];
  const right = seen.filter((digit, image) => digit === asked[image]);
  return {
    recognised: right.length / asked.length,
    counts: Array.from({ length: DIGITS }, (_, digit) => seen.filter((each) => each === digit).length),
  };
}

/** Writes images [rows * columns, 28, 28, 1], with values from 0 to 1, to one picture file. */
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

/** Generates images [count, 28, 28, 1], with values from 0 to 1, using the moving average of the generator's weights. */
export async function draw(
  trainer: ReturnType<typeof ganTrainer.create>,
  digits: readonly number[],
): Promise<tf.Tensor4D> {
  const generator = (await trainer.service(modelRef)).parts?.get('generator');
  if (generator === undefined) throw new Error('the model has no generator');
  const noise = tf.randomNormal([digits.length, trainer.config.model.latent], 0, 1, 'float32', 1);
  const inputs = tf.concat([noise, tf.oneHot(tf.tensor1d([...digits], 'int32'), DIGITS).toFloat()], 1);
  const averages = await trainer.service(emaRef);
  return averages.withAverages(() => inEvalMode(generator, () => generator.predict?.(inputs) as tf.Tensor4D));
}

async function main([gan = 'runs/gan', digits = 'runs/digits', count = '2000']: readonly string[]): Promise<void> {
  const asked = Array.from({ length: Number(count) }, (_, image) => image % DIGITS);
  const logger = new ConsoleLogger({ level: 'warn' });
  const artist = ganTrainer.create({ output: gan, logger });
  await artist.loadForInference(join(gan, 'model_final.safetensors'));
  const images = await draw(artist, asked);
  await writePicture(images.slice(0, 100), 10, join(gan, 'samples.png'));
  const trainer = digitsTrainer.create({ output: digits, logger });
  await trainer.loadForInference(join(digits, 'model_final.safetensors'));
  const classifier = await trainer.service(modelRef);
  const look = (of: tf.Tensor, digits: readonly number[]): Recognition =>
    recognition(
      inEvalMode(classifier, () => classifier.predict?.(of) as tf.Tensor2D),
      digits,
    );
  const { images: pixels, labels } = (await loadDigits(trainer.config.data)).test;
  const real = look(tf.tensor(pixels, [labels.length, SIDE, SIDE, 1]).div(255), [...labels]);
  const drawn = look(images, asked);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  console.log(
    `recognised: ${percent(drawn.recognised)} of ${count} drawn digits, ${percent(real.recognised)} of real ones`,
  );
  console.log(`drawn digits 0 to 9: ${drawn.counts.join(' ')}`);
  console.log(`most to least: ${(Math.max(...drawn.counts) / Math.min(...drawn.counts)).toFixed(2)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
