import { mkdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ConsoleLogger, HooklineError } from '@hookline/core';
import { type Detections, type Detector, drawDetections, predictImage, writePicture } from '@hookline/plugin-detection';
import { modelRef, predictorOf, type TrainableModel } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { line, shown } from './output-files.ts';
import { print } from './print.ts';
import { usageError } from './usage-error.ts';

/** Folder of the pictures, in that of the run. */
const FOLDER = 'predicted';
const DEFAULT_SCORE = '0.4';
/** Pictures of one size until their prediction is captured, which takes as long as some of them. */
const EAGER_PICTURES = 10;

/** `hookline predict`. @returns the exit status */
export async function predict(given: CommandLine): Promise<number> {
  const { images, text, flag } = given;
  const score = Number(text.score ?? DEFAULT_SCORE);
  if (images.length === 0) throw usageError('no image is given', 'Write hookline predict FILE image.jpg ...');
  if (!(score >= 0 && score <= 1)) throw usageError(`--score ${text.score ?? ''} is not from 0 to 1`, 'Such as 0.4');
  const targets = targetsOf(images);
  const logger = new ConsoleLogger();
  const trainer = await createTrainer(given, logger);
  const checkpoint = await loadCheckpoint(trainer, given);
  try {
    logger.info(`predicting with ${shown(checkpoint)}, iteration ${trainer.iteration}`);
    const model = detectorOf(await trainer.service(modelRef), given.file);
    predictorOf(model)?.captureAfter(EAGER_PICTURES);
    const folder = join(trainer.outputDir, FOLDER);
    await mkdir(folder, { recursive: true });
    for (const [image, name] of targets) {
      // The views that the trainer would evaluate with, where it has its own.
      const options = { ...trainer.predictOptions, tta: flag.tta && (trainer.predictOptions?.tta ?? true) };
      const { picture, detections } = await predictImage(model, image, options);
      const path = join(folder, name);
      await writePicture(path, drawDetections(picture, detections, { ...model, scoreThreshold: score }));
      const found = listDetections(detections, model.classNames, score);
      if (flag.json) print(JSON.stringify({ image, picture: path, detections: found }));
      else print(line('picture', path) + countsOf(found));
    }
  } finally {
    await trainer.dispose();
  }
  return EXIT.ok;
}

/** The pictures' names by image; images of the same name from several folders would overwrite each other. */
function targetsOf(images: readonly string[]): ReadonlyMap<string, string> {
  const targets = new Map(images.map((image) => [image, `${parse(image).name}.png`]));
  const names = [...targets.values()];
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return targets;
  throw usageError(
    `two pictures would be called ${twice}`,
    'Predict on them one after the other, with another --output',
  );
}

interface Found {
  readonly class: string;
  readonly score: number;
  /** Corners x1, y1, x2, y2 in pixels of the image. */
  readonly box: readonly number[];
}

function listDetections({ boxes, scores, classes }: Detections, names: readonly string[], least: number): Found[] {
  const all = Array.from(scores, (score, row) => ({
    class: names[classes[row] ?? -1] ?? `class ${classes[row] ?? ''}`,
    score,
    box: [...boxes.subarray(row * 4, row * 4 + 4)],
  }));
  return all.filter(({ score }) => score >= least).sort((a, b) => b.score - a.score);
}

/** Such as `  2 dark, 1 light`. */
function countsOf(found: readonly Found[]): string {
  const counts = new Map<string, number>();
  for (const { class: name } of found) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.size === 0) return '  nothing found';
  return `  ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}`;
}

function detectorOf(model: TrainableModel, file: string): Detector {
  if ('classNames' in model && model.predict !== undefined) return model as Detector;
  throw new HooklineError('HKL_DETECT_MODEL', `its model "${model.name}" is no detector`, {
    who: file,
    fix: 'predict is for models made by detector(...)',
  });
}
