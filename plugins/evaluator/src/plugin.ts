import {
  definePlugin,
  defineState,
  epochsRef,
  type Evaluation,
  evaluationRef,
  HooklineError,
  type Logger,
  loggerRef,
  optional,
  type Results,
  storageRef,
  trainerRef,
  type StepContext,
} from '@hookline/core';
import { modelRef, type TrainableModel } from '@hookline/tfjs';
import { z } from 'zod';
import { duplicateResult } from './dataset-evaluators.ts';
import { flattenResults } from './flatten-results.ts';
import { inferenceOnDataset } from './inference-on-dataset.ts';
import { evaluatorSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-evaluator';

/** Number of iterations at a trainer's last completed evaluation. It is kept per trainer, because several evaluators run together. */
const evaluatedAt = new WeakMap<Evaluation, number>();

/** The saved state of an evaluator: the number of iterations at the last evaluation, null before the first. */
const savedState = z.object({ evaluatedAt: z.int().min(0).nullable() });

/**
 * Evaluates periodically and at the end of the training (detectron2's EvalHook), and stores the results.
 *
 * Every evaluation calls the engine's `evaluate` hook, in which this plugin and others add their results. A training
 * that was stopped deliberately is evaluated too; one that failed or was interrupted is not.
 *
 * A checkpoint that was saved before the evaluation of its iteration does not contain its results. A run that resumes from it
 * starts with that evaluation, whether it was interrupted or the run was killed later.
 *
 * @example evaluator({ period: 500, loader: testBatches, evaluators: new ClassificationEvaluator() })
 * @example evaluator({ period: 500, evaluate: async ({ model }) => ({ accuracy: await accuracyOf(model) }) })
 */
export const evaluator = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'evaluates periodically and at the end, and stores the results',
  options: evaluatorSchema,
  after: ['checkpointing', 'statistics', 'averaging'],
  before: ['metrics', 'stopping', 'writing'],
  provides: ['evaluation'],
  requires: {
    storage: storageRef,
    evaluation: evaluationRef,
    trainer: trainerRef,
    logger: loggerRef,
    epochs: epochsRef,
    model: optional(modelRef),
  },
  setup({ hooks, plugin, storage, evaluation, trainer, logger, epochs, model }, options) {
    const { evalAfterTrain, evalBeforeTrain } = options;
    const isPeriodOver = epochs.every(options.period, 'period');
    // Only a resumed run can owe an evaluation; a checkpoint from a run without an evaluator owes none.
    let goesOn = false;
    const isDue = (done: number, maxIterations: number): boolean =>
      isPeriodOver(done) || (evalAfterTrain && done === maxIterations);
    const owes = (done: number, maxIterations: number): boolean =>
      goesOn && done > 0 && isDue(done, maxIterations) && evaluatedAt.get(evaluation) !== done;
    const run = async (step: StepContext, done: number): Promise<void> => {
      if (evaluatedAt.get(evaluation) === done) return;
      const results = flattenResults(await evaluation.run(step));
      storage.putScalars(results, { smoothing: false, iteration: step.iteration });
      evaluatedAt.set(evaluation, done);
    };
    hooks.beforeTrain.tap(({ startIteration, maxIterations }) => {
      // In a run with another start, the same iteration has other weights.
      if (evaluatedAt.get(evaluation) !== startIteration) evaluatedAt.delete(evaluation);
      if (startIteration === 0 && evalBeforeTrain) return run({ iteration: 0, startIteration, maxIterations }, 0);
      if (!owes(startIteration, maxIterations)) return undefined;
      const iteration = startIteration - 1;
      logger.info(`evaluating first: the checkpoint was saved before the evaluation of iteration ${iteration}`);
      return run({ iteration, startIteration, maxIterations }, startIteration);
    });
    hooks.evaluate.tap(async (results, step) =>
      merge(results, await evaluateOnce(step, options, model?.value, logger, plugin.id)),
    );
    hooks.afterStep.tap((step) => {
      const done = step.iteration + 1;
      return isDue(done, step.maxIterations) ? run(step, done) : undefined;
    });
    // An evaluation is left to do here if the training was stopped early or its last step was skipped.
    hooks.afterTrain.tap(({ status, iteration }) => {
      if (!evalAfterTrain || (status !== 'completed' && status !== 'stopped')) return undefined;
      const { startIteration, maxIterations } = trainer;
      if (iteration <= startIteration) return undefined;
      // The results belong to the last completed step.
      return run({ iteration: iteration - 1, startIteration, maxIterations }, iteration);
    });
    return {
      // A checkpoint from a run without an evaluator owes no evaluation.
      state: defineState({
        schema: savedState,
        optional: true,
        save: () => ({ evaluatedAt: evaluatedAt.get(evaluation) ?? null }),
        load: ({ evaluatedAt: done }) => {
          goesOn = true;
          if (done === null) evaluatedAt.delete(evaluation);
          else evaluatedAt.set(evaluation, done);
        },
        reset: () => {
          goesOn = false;
        },
      }),
      isUnfinished: () => owes(trainer.iteration, trainer.maxIterations),
    };
  },
});

type Options = z.output<typeof evaluatorSchema>;

async function evaluateOnce(
  step: StepContext,
  { evaluate, evaluators, loader, inputs, name }: Options,
  model: TrainableModel | undefined,
  logger: Logger,
  who: string,
): Promise<Results> {
  let results: Results = {};
  if (evaluators !== undefined && loader !== undefined) {
    if (model === undefined) throw noModel(who);
    const own = await inferenceOnDataset(model, loader, evaluators, {
      logger,
      ...(inputs === undefined ? {} : { inputs }),
    });
    results = merge(results, own);
  }
  const more: unknown = await evaluate?.({ step, model });
  if (more !== undefined && more !== null) {
    // Check the results at once, so that the error names the evaluator that returned them.
    flattenResults(more as Results);
    results = merge(results, more as Results);
  }
  return name === undefined || Object.keys(results).length === 0 ? results : { [name]: results };
}

function merge(results: Results, more: Results): Results {
  const twice = Object.keys(more).find((name) => Object.hasOwn(results, name));
  if (twice !== undefined) throw duplicateResult(twice);
  return { ...results, ...more };
}

function noModel(who: string): HooklineError {
  return new HooklineError('HKL_EVAL_NO_MODEL', 'there is no model to evaluate in this trainer', {
    who,
    fix: 'Evaluate with a function: evaluator({ evaluate: () => ({ ... }) })',
  });
}
