import { definePlugin, defineState, evaluationRef, loggerRef, MetricWatch, storageRef } from '@hookline/core';
import { learningRateFactor, optimizerRef } from '@hookline/tfjs';
import { z } from 'zod';
import { reduceOnPlateauOptions } from './options.ts';
import { Plateau } from './plateau.ts';

const PLUGIN_NAME = '@hookline/plugin-reduce-on-plateau';

const savedState = z.object({
  best: z.number().nullable(),
  bad: z.int().min(0),
  cooldown: z.int().min(0),
  factor: z.number().min(0).max(1),
  metric: z.string(),
  mode: z.enum(['max', 'min']),
  /** Number of values of the metric that were considered. */
  seen: z.int().min(0),
});

/**
 * Reduces the learning rate when a metric stops improving, by the rule of torch's `ReduceLROnPlateau`. The reduction
 * is a separate factor, in addition to that of a schedule with its warm-up.
 *
 * @example reduceOnPlateau({ metric: 'accuracy', patience: 3 })
 * @example reduceOnPlateau({ metric: 'val/loss', mode: 'min', factor: 0.5, minLr: 1e-5 })
 */
export const reduceOnPlateau = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'reduces the learning rate when a metric stops improving',
  options: reduceOnPlateauOptions,
  writes: ['learningRate/plateau', 'metrics/lr_factor'],
  after: ['schedule', 'evaluation', 'metrics'],
  before: ['writing'],
  requires: { optimizer: optimizerRef, evaluation: evaluationRef, logger: loggerRef, storage: storageRef },
  setup({ hooks, plugin, optimizer, evaluation, logger, storage }, { metric, ...options }) {
    const watch = new MetricWatch({ metric, storage, evaluation, logger });
    const plateau = new Plateau(options);
    const rate = learningRateFactor(optimizer.value, plugin.id);

    const judge = (samples: readonly { readonly value: number; readonly iteration: number }[]): void => {
      for (const { value, iteration } of samples) {
        const { best, factor: before } = plateau.state;
        const isReduced = plateau.take(value, rate.base);
        const { factor } = plateau.state;
        storage.putScalar('lr_factor', factor, { smoothing: false, iteration });
        if (!isReduced) continue;
        rate.set(factor);
        logger.info(
          `${metric} has not got better than ${best} (iteration ${iteration}): ` +
            `the learning rate is multiplied with ${forPeople(factor)} from now on, before with ${forPeople(before)}`,
        );
      }
    };

    hooks.beforeTrain.tap(async () => {
      rate.set(plateau.state.factor);
      await watch.begin();
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
      if (status !== 'failed') watch.warnWhereMissing(status !== 'interrupted');
    });
    return {
      state: defineState({
        schema: savedState,
        save: () => ({ ...plateau.state, metric, mode: options.mode, seen: watch.seen ?? 0 }),
        load: ({ seen, metric: before, mode, ...saved }) => {
          if (before !== metric || mode !== options.mode) {
            logger.warn(
              `starts again with the unreduced learning rate: the checkpoint watched ${before} (${mode}), which cannot be compared with ${metric} (${options.mode})`,
            );
            return;
          }
          plateau.restore(saved);
          watch.seen = seen;
        },
        reset: () => {
          plateau.restore({ best: null, bad: 0, cooldown: 0, factor: 1 });
          watch.seen = undefined;
        },
      }),
      dispose: () => rate.release(),
    };
  },
});

/** Formats a value with four digits. */
const forPeople = (value: number): string => String(Number(value.toPrecision(4)));
