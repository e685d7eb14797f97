import { definePlugin, evaluationRef, type Plugin, storageRef } from '@hookline/core';

/**
 * An evaluator for tests of plugins that act on a metric. It returns one of the given values of the metric `accuracy` every other iteration, starting after iteration 1, and nothing
 * after the last value.
 */
export const scriptedEvaluator = (values: readonly number[]): Plugin =>
  definePlugin({
    name: '@hookline/testing/scripted-evaluator',
    version: '0.1.0',
    description: 'gives values one after the other',
    provides: ['evaluation'],
    requires: { storage: storageRef, evaluation: evaluationRef },
    setup({ hooks, storage, evaluation }) {
      hooks.afterStep.tap(async (step) => {
        const value = values[(step.iteration - 1) / 2];
        if (value === undefined) return;
        await evaluation.run(step);
        storage.putScalar('accuracy', value, { smoothing: false });
      });
    },
  })();
