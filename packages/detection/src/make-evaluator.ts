import type { DatasetEvaluator, Logger, Results } from '@hookline/core';
import type { Dataset } from '@hookline/images';
import { DatasetEvaluators } from '@hookline/plugin-evaluator';
import type { MadeEvaluators } from '@hookline/trainer';
import { CocoEvaluator, type PostprocessOptions, VocEvaluator } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';
import { imagesOf } from './images-of.ts';

/** The evaluator that `test.evaluator` names; `auto` takes the one that the data set's reader has set. */
export function makeEvaluator(
  { input, test }: DetectionConfig,
  truth: Dataset,
  { resultsFile, logger }: { readonly resultsFile: string; readonly logger: Logger },
): DatasetEvaluator {
  const options = { truth, images: imagesOf(input), postprocess: postprocessing(test), resultsFile, logger };
  const kind = test.evaluator === 'auto' ? truth.metadata.evaluator : test.evaluator;
  if (kind === 'coco') return new CocoEvaluator(options);
  return new VocEvaluator({ ...options, use2007: kind === 'voc2007' });
}

/** How outputs become detections. */
export const postprocessing = ({
  detectionsPerImage,
  scoreThreshold,
  nmsThreshold,
}: DetectionConfig['test']): PostprocessOptions => ({
  maxDetections: detectionsPerImage,
  scoreThreshold,
  nmsThreshold,
});

/** An evaluator that is made anew for each evaluation. Plugins need one when they are listed, before the data have been read. */
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
