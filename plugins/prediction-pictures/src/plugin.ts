import { definePlugin, epochsRef, HooklineError, outputRef, storageRef } from '@hookline/core';
import { modelRef } from '@hookline/tfjs';
import type { z } from 'zod';
import { detectorOf, type Detector, type PostprocessOptions, predictImage } from '@hookline/vision';
import { drawDetections, type Picture, pictureGrid, toImagePixels, writePicture } from '@hookline/images';
import { picturesSchema } from './options.ts';
import { firstImages, type ShownImage } from './shown-images.ts';

/** Digits of an iteration in a file name, so that names sort as numbers do. */
const DIGITS = 7;

/**
 * Shows during the training what the detector finds: a grid of images with boxes, classes and scores, in the event
 * storage for the writers and as PNG files.
 *
 * @example predictionPictures({ loader: testBatches, period: 200 })
 */
export const predictionPictures = definePlugin({
  name: '@hookline/plugin-detection-pictures',
  version: '0.1.0',
  description: 'draws what the detector finds',
  options: picturesSchema,
  after: ['statistics', 'averaging'],
  before: ['evaluation', 'writing'],
  // All ranks have the same weights.
  ranks: 'first',
  requires: { storage: storageRef, output: outputRef, model: modelRef, epochs: epochsRef },
  setup({ hooks, plugin, storage, output, model, epochs }, options) {
    const { period, name, loader, count, writeFiles } = options;
    let images: readonly ShownImage[] | undefined;
    const show = async (iteration: number): Promise<void> => {
      const net = detectorOf(model.value, plugin.id);
      images ??= await firstImages(net, loader, count);
      if (images.length === 0) throw noImages(plugin.id);
      const grid = await drawGrid(net, images, options);
      storage.putImage(name, grid, { iteration });
      if (writeFiles)
        await writePicture(await output.file(name, `${String(iteration).padStart(DIGITS, '0')}.png`), grid);
    };
    const isPeriodOver = epochs.every(period, 'period');
    if (period === 0) {
      hooks.evaluate.tap(async (results, { iteration }) => {
        await show(iteration);
        return results;
      });
      return;
    }
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      const done = iteration + 1;
      return isPeriodOver(done) || done === maxIterations ? show(iteration) : undefined;
    });
  },
});

async function drawGrid(
  model: Detector,
  images: readonly ShownImage[],
  options: z.output<typeof picturesSchema>,
): Promise<Picture> {
  const { columns, drawThreshold, enlarge, showTruth } = options;
  const pictures: Picture[] = [];
  for (const { input, picture, seen, truth } of images) {
    const found = await predictImage(model, input, postprocessing(options));
    const detections = toImagePixels(found.detections, seen, picture);
    pictures.push(
      drawDetections(picture, detections, {
        classNames: model.classNames,
        ...(showTruth ? { truth } : {}),
        ...(drawThreshold === undefined ? {} : { scoreThreshold: drawThreshold }),
        ...(enlarge === undefined ? {} : { enlarge }),
      }),
    );
  }
  return pictureGrid(pictures, columns);
}

function postprocessing(options: z.output<typeof picturesSchema>): PostprocessOptions {
  const { scoreThreshold, topK, nmsThreshold, maxDetections } = options;
  const given = Object.entries({ scoreThreshold, topK, nmsThreshold, maxDetections });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

const noImages = (who: string): HooklineError =>
  new HooklineError('HKL_DETECT_RECORDS', 'its loader has no image to show', {
    who,
    fix: 'Give a loader with at least one batch',
  });
