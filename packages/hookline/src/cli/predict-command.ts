import { mkdir, readdir } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { ConsoleLogger, describeCause, HooklineError } from '@hookline/core';
import { isPicture, type Detections, drawDetections, readPicture, writePicture } from '@hookline/images';
import { type Detector, predictImage } from '@hookline/vision';
import { modelRef, predictorOf, type TrainableModel } from '@hookline/tfjs';
import { classifyPictures, isClassifier } from './classify-pictures.ts';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { line, print, shown } from './print.ts';
import { usageError } from './usage-error.ts';

/** Folder of the pictures in the run's folder. */
const FOLDER = 'predicted';
const DEFAULT_SCORE = '0.4';
/** Number of pictures that are drawn and written concurrently. */
const AT_ONCE = 4;
/** Number of pictures of one size after which the prediction is captured. Capturing takes as long as several predictions. */
const EAGER_PICTURES = 10;

/** `hookline predict`. @returns the exit status */
export async function predict(given: CommandLine): Promise<number> {
  const { text, flag } = given;
  const score = Number(text.score ?? DEFAULT_SCORE);
  if (given.images.length === 0)
    throw usageError('no image is given', 'Write hookline predict FILE image.jpg ..., or name a folder of images');
  if (!(score >= 0 && score <= 1)) throw usageError(`--score ${text.score ?? ''} is not from 0 to 1`, 'Such as 0.4');
  const targets = targetsOf(await expandFolders(given.images));
  const logger = new ConsoleLogger();
  const trainer = await createTrainer(given, logger);
  const checkpoint = await loadCheckpoint(trainer, given);
  try {
    logger.info(`predicting with ${shown(checkpoint)}, iteration ${trainer.iteration}`);
    const made = await trainer.service(modelRef);
    if (isClassifier(made)) {
      const source = (await trainer.exportSource?.()) ?? {};
      return tellFailed(
        await classifyPictures(made, targets.keys(), { source, isJson: flag.json, logger }),
        targets.size,
        logger,
      );
    }
    const model = requireDetector(made, given.file);
    predictorOf(model)?.captureAfter(EAGER_PICTURES);
    const folder = join(trainer.outputDir, FOLDER);
    if (!flag.json) await mkdir(folder, { recursive: true });
    const options = await trainer.predictOptions?.();
    // Use the trainer's own test-time augmentation, if it has one.
    const views = { ...options, tta: flag.tta && (options?.tta ?? true) };
    let failed = 0;
    // An image that cannot be read or drawn does not keep the others from being predicted.
    const fail = (error: unknown): void => {
      failed++;
      logger.error(describeCause(error));
    };
    /** Pictures that are being drawn while the network processes the next image. These promises never reject. */
    const drawing = new Set<Promise<void>>();
    for (const [image, name] of targets) {
      let detections: Detections;
      try {
        ({ detections } = await predictImage(model, image, views));
      } catch (error) {
        fail(error);
        continue;
      }
      const found = listDetections(detections, model.classNames, score);
      if (flag.json) {
        print(JSON.stringify({ image, detections: found }));
        continue;
      }
      const path = join(folder, name);
      const drawn: Promise<void> = draw(image, path, detections, model, score)
        .then(() => print(line('picture', path) + countsOf(found)), fail)
        .finally(() => drawing.delete(drawn));
      drawing.add(drawn);
      if (drawing.size >= AT_ONCE) await Promise.race(drawing);
    }
    await Promise.all(drawing);
    return tellFailed(failed, targets.size, logger);
  } finally {
    await trainer.dispose();
  }
}

/** @returns the exit status */
function tellFailed(failed: number, all: number, logger: ConsoleLogger): number {
  if (failed === 0) return EXIT.ok;
  logger.error(`the prediction failed for ${failed} of ${all} images`);
  return EXIT.failed;
}

/** The given images, and the images of given folders, sorted by name. */
async function expandFolders(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      // Take it as a file; if there is none, reading it reports that.
      if (['ENOTDIR', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    });
    if (entries === undefined) found.push(path);
    else {
      const images = entries
        // Skip named pipes, which would block until something writes to them. Other unreadable files are reported when they are read.
        .filter((entry) => !entry.isFIFO() && isPicture(entry.name) && !entry.name.startsWith('.'))
        .map(({ name }) => name)
        .sort();
      if (images.length === 0)
        throw usageError(`${path} holds no image`, 'Images are recognised by extensions such as .jpg and .png');
      found.push(...images.map((name) => join(path, name)));
    }
  }
  return [...new Set(found)];
}

/** Output names by image. Images whose names differ only in their extensions keep the extensions, so that none overwrites another. */
function targetsOf(images: readonly string[]): ReadonlyMap<string, string> {
  const stems = images.map((image) => parse(image).name);
  const names = images.map((image, place) => {
    const stem = stems[place] as string;
    return `${stems.indexOf(stem) === stems.lastIndexOf(stem) ? stem : basename(image)}.png`;
  });
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return new Map(images.map((image, place) => [image, names[place] as string]));
  throw usageError(
    `two pictures would be called ${twice}`,
    'Predict them in separate runs, with different --output folders',
  );
}

async function draw(
  image: string,
  path: string,
  detections: Detections,
  model: Detector,
  score: number,
): Promise<void> {
  await writePicture(
    path,
    drawDetections(await readPicture(image), detections, { classNames: model.classNames, scoreThreshold: score }),
  );
}

interface Found {
  readonly class: string;
  readonly score: number;
  /** Corners x1, y1, x2, y2 in pixels of the image, after its EXIF rotation. */
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

/** The detections by class, such as `  2 dark, 1 light`. */
function countsOf(found: readonly Found[]): string {
  const counts = new Map<string, number>();
  for (const { class: name } of found) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.size === 0) return '  nothing found';
  return `  ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}`;
}

function requireDetector(model: TrainableModel, file: string): Detector {
  if ('classNames' in model && model.predict !== undefined) return model as Detector;
  throw new HooklineError(
    'HKL_DETECT_MODEL',
    `its model "${model.name}" is neither a detector nor a classifier of pictures`,
    {
      who: file,
      fix: 'predict is for models made by detector(...) and classifier(...)',
    },
  );
}
