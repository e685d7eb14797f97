import {
  controlRef,
  definePlugin,
  defineState,
  evaluationRef,
  HooklineError,
  loggerRef,
  MetricWatch,
  optional,
  type StepContext,
  storageRef,
} from '@hookline/core';
import { modelRef, stepScopeRef } from '@hookline/tfjs';
import { z } from 'zod';
import { BestWeights } from './best-weights.ts';
import { earlyStoppingOptions } from './options.ts';
import { type MetricSample, Patience, type StopCause } from './patience.ts';

const PLUGIN_NAME = '@hookline/plugin-early-stopping';

const savedState = z.object({
  best: z.object({ value: z.number(), iteration: z.int().min(0) }).nullable(),
  waited: z.int().min(0),
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  /** Number of values of the metric that were considered. */
  seen: z.int().min(0),
  /** Whether the checkpoint contains the weights with the best value. */
  holdsBest: z.boolean().default(false),
});

/**
 * Stops the training when a metric stops improving.
 *
 * @example earlyStopping({ metric: 'accuracy', patience: 3, restoreBest: true })
 * @example earlyStopping({ metric: 'val/loss', mode: 'min', minDelta: 0.001 })
 */
export const earlyStopping = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'stops the training when a metric stops improving',
  options: earlyStoppingOptions,
  provides: ['stopping'],
  // bestCheckpointer must save the weights before they are restored.
  after: ['evaluation', 'metrics', 'checkpointer/best?'],
  before: ['writing'],
  requires: {
    control: controlRef,
    evaluation: evaluationRef,
    logger: loggerRef,
    storage: storageRef,
    model: optional(modelRef),
    scope: optional(stepScopeRef),
  },
  setup(
    { hooks, plugin, control, evaluation, logger, storage, model, scope },
    { metric, startIteration, restoreBest, ...rule },
  ) {
    const watch = new MetricWatch({ metric, storage, evaluation, logger });
    const patience = new Patience(rule);
    if (restoreBest && (model === undefined || scope === undefined)) throw noModel(plugin.id);
    if (restoreBest && evaluation.withWeights !== undefined) throw averaged(plugin.id);
    const weights =
      restoreBest && model !== undefined && scope !== undefined
        ? new BestWeights(scope.value, plugin.id, model.value)
        : undefined;
    let holdsBest = false;

    /** @returns whether one of the values ends the training */
    const stopsAt = (samples: readonly MetricSample[]): boolean => {
      for (const sample of samples) {
        if (sample.iteration < startIteration) continue;
        const cause = patience.stopCause(sample);
        if (patience.best?.iteration === sample.iteration && weights !== undefined) {
          weights.keep();
          holdsBest = true;
        }
        if (cause === undefined) continue;
        control.stop(reason(cause, sample));
        return true;
      }
      return false;
    };
    const reason = (cause: StopCause, { value, iteration }: MetricSample): string => {
      if (cause !== 'patience') {
        const verb = cause === 'stoppingThreshold' ? 'is better than' : 'is worse than';
        return `${metric} is ${value} at iteration ${iteration}, which ${verb} the ${cause} ${rule[cause]}`;
      }
      const best =
        patience.best === null
          ? 'never had a finite value'
          : `was best at iteration ${patience.best.iteration} (${patience.best.value})`;
      return `${metric} ${best} and has not improved in ${patience.state().waited} evaluations`;
    };
    /** Restores the best weights before the last checkpoint and the end of the training, and evaluates them. */
    const restore = async (step: StepContext): Promise<void> => {
      const { best } = patience;
      if (weights === undefined || !holdsBest || best === null || best.iteration === step.iteration) return;
      weights.restore();
      logger.info(`restored the weights of iteration ${best.iteration}, which had the best ${metric} (${best.value})`);
      if (evaluation.latest !== undefined) await evaluation.run(step);
    };
    const act = (samples: readonly MetricSample[], step: StepContext): Promise<void> | undefined => {
      return stopsAt(samples) || step.iteration + 1 >= step.maxIterations ? restore(step) : undefined;
    };

    hooks.beforeTrain.tap(async ({ startIteration: start, maxIterations }) => {
      await watch.begin();
      // An evaluation that the resumed run owes may exhaust the patience; then no step follows.
      await act(await watch.look(), { iteration: start - 1, startIteration: start, maxIterations });
    });
    hooks.afterStep.tap((step) => {
      const samples = watch.look();
      watch.warnWhereMissing();
      return samples instanceof Promise ? samples.then((values) => act(values, step)) : act(samples, step);
    });
    hooks.afterTrain.tap(({ status }) => {
      // An interrupted run may not have reached an evaluation.
      if (status !== 'failed') watch.warnWhereMissing(status !== 'interrupted');
    });
    return {
      state: defineState({
        schema: savedState,
        save: () => ({ ...patience.state(), metric, mode: rule.mode, seen: watch.seen ?? 0, holdsBest }),
        load: ({ seen, best, waited, ...saved }) => {
          ({ holdsBest } = saved);
          if (saved.metric !== metric || saved.mode !== rule.mode) {
            logger.warn(
              `starts again: the checkpoint watched ${saved.metric} (${saved.mode}), which cannot be compared with ${metric} (${rule.mode})`,
            );
            holdsBest = false;
            return;
          }
          patience.restore({ best, waited });
          watch.seen = seen;
        },
        reset: () => {
          patience.restore({ best: null, waited: 0 });
          watch.seen = undefined;
          holdsBest = false;
        },
      }),
    };
  },
});

function noModel(who: string): HooklineError {
  return new HooklineError(
    'HKL_EARLY_STOPPING_MODEL',
    'there is no model in this trainer whose weights it could restore',
    {
      who,
      fix: 'Leave out restoreBest, or keep the best weights in your own step',
    },
  );
}

function averaged(who: string): HooklineError {
  return new HooklineError(
    'HKL_EARLY_STOPPING_AVERAGES',
    'the metric is that of averaged weights, which restoreBest does not bring back',
    {
      who,
      fix: "Leave out restoreBest and use the checkpoint of bestCheckpointer, which contains the averages too, or set the averaging plugin's evaluate: false",
    },
  );
}
