import type { DatasetEvaluator, Logger, Results } from '@hookline/core';
import type { Dataset } from '@hookline/images';
import { DatasetEvaluators } from '@hookline/plugin-evaluator';
import type { MadeEvaluators } from '@hookline/trainer';
import { CocoEvaluator, type PostprocessOptions, VocEvaluator } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';
import { imagesOf } from './images-of.ts';

/** Makes the evaluator that `test.evaluator` names; `auto` means the `evaluator` in the data set's metadata. */
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

/** An evaluator that is created anew for each evaluation, since plugins need one before the data have been read. */
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
