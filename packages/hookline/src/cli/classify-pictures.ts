import { describeCause, HooklineError, type Logger } from '@hookline/core';
import { decodeFile, type Size } from '@hookline/images';
import { type ExportSource, inEvalMode, tf, type TrainableModel } from '@hookline/tfjs';
import type { Classifier } from '@hookline/vision';
import { print } from './print.ts';

/** Number of classes that a line shows. */
const SHOWN = 3;

/** Whether a model was made by `classifier(...)`. */
export const isClassifier = (model: TrainableModel): model is Classifier =>
  'task' in model && model.task === 'classification';

/**
 * Prints the classes of each picture, the likeliest first.
 *
 * @param source the trainer's description of the model; pictures are stretched to the size of its input, if it is a fixed size
 * @returns the number of pictures that could not be read
 */
export async function classifyPictures(
  model: Classifier,
  images: Iterable<string>,
  { source, isJson, logger }: { readonly source: ExportSource; readonly isJson: boolean; readonly logger: Logger },
): Promise<number> {
  let failed = 0;
  const size = sizeOf(source);
  for (const image of images) {
    try {
      const scores = await classify(model, image, size);
      const classes = model.classNames
        .map((name, place) => ({ class: name, score: scores[place] as number }))
        .sort((a, b) => b.score - a.score);
      if (isJson) print(JSON.stringify({ image, classes }));
      else print(`${image}  ${classes.slice(0, SHOWN).map(described).join(', ')}`);
    } catch (error) {
      // A picture that cannot be read does not keep the others from being classified.
      failed++;
      logger.error(describeCause(error));
    }
  }
  return failed;
}

const described = (found: { readonly class: string; readonly score: number }): string =>
  `${found.class} ${(100 * found.score).toFixed(1)} %`;

async function classify(model: Classifier, file: string, size: Size | undefined): Promise<Float32Array> {
  const { image } = await decodeFile(file, size === undefined ? {} : { size, fit: 'stretch' });
  const scores = tf.tidy(() => {
    const pixels = tf.tensor4d(image.data, [1, image.height, image.width, 3], 'int32');
    return tf.softmax(inEvalMode(model, () => model.predict(pixels)));
  });
  try {
    return (await scores.data()) as Float32Array;
  } finally {
    scores.dispose();
  }
}

function sizeOf({ inputs }: ExportSource): Size | undefined {
  if (inputs === undefined) return undefined;
  const { shape } = ('shape' in inputs ? inputs : Object.values(inputs)[0]) as { readonly shape?: readonly unknown[] };
  const [, height, width] = shape ?? [];
  if (typeof height === 'number' && typeof width === 'number') return { width, height };
  throw new HooklineError('HKL_PREDICT_SIZE', 'buildExport gives no size for pictures', {
    who: 'hookline predict',
    fix: 'Return the input from it as { shape: [null, height, width, 3] }',
  });
}
