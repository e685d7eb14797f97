import {
  controlRef,
  definePlugin,
  defineState,
  evaluationRef,
  loggerRef,
  MetricWatch,
  storageRef,
} from '@hookline/core';
import { z } from 'zod';
import { earlyStoppingOptions } from './options.ts';
import { type MetricSample, Patience } from './patience.ts';

const PLUGIN_NAME = '@hookline/plugin-early-stopping';

const savedState = z.object({
  best: z.object({ value: z.number(), iteration: z.int().min(0) }).nullable(),
  waited: z.int().min(0),
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  /** Values of the metric that were looked at. */
  seen: z.int().min(0),
});

/**
 * Ends the training when a metric no longer gets better.
 *
 * @example earlyStopping({ metric: 'accuracy', patience: 3 })
 * @example earlyStopping({ metric: 'val/loss', mode: 'min', minDelta: 0.001 })
 */
export const earlyStopping = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'ends the training when a metric no longer gets better',
  options: earlyStoppingOptions,
  provides: ['stopping'],
  after: ['evaluation', 'metrics'],
  before: ['writing'],
  requires: { control: controlRef, evaluation: evaluationRef, logger: loggerRef, storage: storageRef },
  setup({ hooks, control, evaluation, logger, storage }, { metric, startIteration, ...options }) {
    const watch = new MetricWatch({ metric, storage, evaluation, logger });
    const patience = new Patience(options);

    const judge = (samples: readonly MetricSample[]): void => {
      for (const sample of samples) {
        if (sample.iteration < startIteration || !patience.isOver(sample)) continue;
        const best =
          patience.best === null
            ? 'never had a finite value'
            : `was best at iteration ${patience.best.iteration} (${patience.best.value})`;
        control.stop(`${metric} ${best} and has not got better in ${patience.state().waited} evaluations`);
        return;
      }
    };

    hooks.beforeTrain.tap(async () => {
      await watch.begin();
      // An evaluation that is made up for may be the one too many: no step comes after it then.
      judge(await watch.look());
    });
    hooks.afterStep.tap(() => {
      const samples = watch.look();
      watch.warnWhereMissing();
      if (samples instanceof Promise) return samples.then(judge);
      judge(samples);
      return undefined;
    });
    hooks.afterTrain.tap(({ status }) => {
      // What was interrupted may not have come to an evaluation.
      if (status !== 'failed') watch.warnWhereMissing(status !== 'interrupted');
    });
    return {
      state: defineState({
        schema: savedState,
        save: () => ({ ...patience.state(), metric, mode: options.mode, seen: watch.seen ?? 0 }),
        load: ({ seen, best, waited, ...saved }) => {
          if (saved.metric !== metric || saved.mode !== options.mode) {
            logger.warn(
              `begins anew: the checkpoint watched ${saved.metric} (${saved.mode}), which says nothing of ${metric} (${options.mode})`,
            );
            return;
          }
          patience.restore({ best, waited });
          watch.seen = seen;
        },
        reset: () => {
          patience.restore({ best: null, waited: 0 });
          watch.seen = undefined;
        },
      }),
    };
  },
});
