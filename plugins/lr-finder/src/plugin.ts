import { commRef, definePlugin, loggerRef, outputRef, stepRunnerRef } from '@hookline/core';
import { batchSourceRef, modelRef, optimizerRef, trainingStepRef } from '@hookline/tfjs';
import { optionsSchema } from './options.ts';
import { rangeTest } from './range-test.ts';
import { writeRangeTest } from './write-range-test.ts';

/**
 * Runs a learning-rate range test before the first step of a new run, writes its curve, logs the suggested rate, and restores everything; the
 * training then continues as it would without the test. `hookline lr-finder FILE` runs only the test.
 *
 * @example plugins: [presetDefault(), lrFinder({ minRate: 1e-5, maxRate: 1 })]
 */
export const lrFinder = definePlugin({
  name: '@hookline/plugin-lr-finder',
  version: '0.1.0',
  description: 'a range test of learning rates before the first step',
  options: optionsSchema,
  after: ['schedule', 'timing'],
  requires: {
    model: modelRef,
    optimizer: optimizerRef,
    step: trainingStepRef,
    runner: stepRunnerRef,
    source: batchSourceRef,
    logger: loggerRef,
    output: outputRef,
    comm: commRef,
  },
  setup({ hooks, model, optimizer, step, runner, source, logger, output, comm }, options) {
    hooks.beforeTrain.tap(async ({ startIteration }) => {
      // A resumed run already has its rate.
      if (startIteration > 0) return;
      const parts = {
        model: model.value,
        optimizer: optimizer.value,
        step: step.value,
        runner: runner.value,
        source: source.value,
      };
      const test = await rangeTest(parts, options, startIteration);
      const { suggestion, end, points } = test;
      logger.info(
        suggestion === undefined
          ? `lr finder: the loss did not fall at any rate up to ${points.at(-1)?.rate.toPrecision(3) ?? ''} (${end})`
          : `lr finder: the loss fell most steeply at a learning rate of ${suggestion.toPrecision(3)} (${end} after ${points.length} steps)`,
      );
      if (comm.rank === 0) await writeRangeTest(test, (name) => output.file(name));
    });
  },
});
