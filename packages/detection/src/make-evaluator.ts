import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatasetEvaluator, Logger, Results } from '@hookline/core';
import { type Dataset, writeCoco } from '@hookline/images';
import { DatasetEvaluators } from '@hookline/plugin-evaluator';
import type { MadeEvaluators } from '@hookline/trainer';
import { CocoEvaluator, indexTruth, type PostprocessOptions, VocEvaluator } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';
import { imagesOf } from './images-of.ts';

type Messages = Pick<Logger, 'info' | 'warn'>;

/** A logger whose messages begin with the name of the evaluation. */
export const named = (logger: Messages, name: string): Messages => ({
  info: (message) => logger.info(`${name}: ${message}`),
  warn: (message) => logger.warn(`${name}: ${message}`),
});

/** Makes the evaluator that `test.evaluator` names; `auto` means the `evaluator` in the data set's metadata. */
export function makeEvaluator(
  { input, test }: DetectionConfig,
  truth: Dataset,
  { resultsFile, logger }: { readonly resultsFile: string; readonly logger: Messages },
): DatasetEvaluator {
  const options = { truth, images: imagesOf(input), postprocess: postprocessing(test), resultsFile, logger };
  const kind = test.evaluator === 'auto' ? truth.metadata.evaluator : test.evaluator;
  if (kind === 'coco') return new CocoEvaluator(options);
  return new VocEvaluator({ ...options, use2007: kind === 'voc2007' });
}

/**
 * Writes the ground truth as a COCO file with the image ids that evaluators use in their results, so that COCO's tools can
 * evaluate results on data in another format (detectron2's convert_to_coco_json).
 */
export async function writeTruth(path: string, dataset: Dataset): Promise<void> {
  const { imageNumbers } = indexTruth(dataset);
  const records = dataset.records.map((record) => ({ ...record, imageId: imageNumbers.get(record.imageId) as number }));
  await mkdir(dirname(path), { recursive: true });
  await writeCoco(path, { ...dataset, records });
}

/** Postprocessing options from the config section `test`. */
export const postprocessing = ({
  detectionsPerImage,
  scoreThreshold,
  nmsThreshold,
}: DetectionConfig['test']): PostprocessOptions => ({
  maxDetections: detectionsPerImage,
  scoreThreshold,
  nmsThreshold,
});

/** Makes an evaluator that calls `make` for each evaluation, since plugins need an evaluator before the data have been read. */
export function lazyEvaluator(make: () => Promise<MadeEvaluators>): DatasetEvaluator {
  let made: Promise<DatasetEvaluator> = Promise.resolve(new DatasetEvaluators([]));
  return {
    reset: () => {
      made = make().then((evaluators) => {
        const all = new DatasetEvaluators(evaluators === undefined ? [] : [evaluators].flat());
        all.reset();
        return all;
      });
      // The next call awaits it and raises the error.
      made.catch(() => undefined);
    },
    process: async (batch, detections) => (await made).process(batch, detections),
    evaluate: async (): Promise<Results | undefined> => (await made).evaluate(),
  };
}
