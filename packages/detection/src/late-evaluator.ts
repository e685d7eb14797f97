import type { Results, DatasetEvaluator } from '@hookline/core';
import { DatasetEvaluators } from '@hookline/plugin-evaluator';
import type { MadeEvaluators } from '@hookline/trainer';

/** An evaluator that is made, anew, when an evaluation begins: plugins are listed before the data have been read. */
export function lateEvaluator(make: () => Promise<MadeEvaluators>): DatasetEvaluator {
  let made: Promise<DatasetEvaluator> = Promise.resolve(new DatasetEvaluators([]));
  return {
    reset: () => {
      made = make().then((evaluators) => {
        const all = new DatasetEvaluators(evaluators === undefined ? [] : [evaluators].flat());
        all.reset();
        return all;
      });
      // Whoever awaits it next sees the error.
      made.catch(() => undefined);
    },
    process: async (batch, detections) => (await made).process(batch, detections),
    evaluate: async (): Promise<Results | undefined> => (await made).evaluate(),
  };
}
