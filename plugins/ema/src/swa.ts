import { definePlugin, defineState, defineService, epochsRef, evaluationRef, type ServiceRef } from '@hookline/core';
import { assertNoParts, modelRef, stepScopeRef } from '@hookline/tfjs';
import { z } from 'zod';
import { type Ema, EmaService } from './ema-service.ts';
import { swaSchema } from './swa-options.ts';
import { WeightAverage } from './weight-average.ts';
import { averagingServices, savedWhileSwapped } from './averaging.ts';

const PLUGIN_NAME = '@hookline/plugin-ema/swa';

export const swaRef: ServiceRef<Ema> = defineService<Ema>('stochasticWeightAverage', {
  description: 'the plain mean of the weights late in the training',
});

/**
 * Keeps the plain mean of the weights late in the training (torch's AveragedModel), and evaluates with it. If the model
 * has batch norm, also list `preciseBn`, which computes statistics for the mean.
 *
 * @example stochasticWeightAveraging({ start: 6000, period: 100 })
 */
export const stochasticWeightAveraging = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'averages the weights late in the training and evaluates with the mean',
  options: swaSchema,
  provides: ['averaging'],
  writes: ({ evaluate }) => (evaluate ? ['evaluationWeights'] : []),
  before: ['statistics', 'checkpointing', 'evaluation'],
  // Require the evaluation service, so that two plugins that replace its weights are detected before the first step.
  requires: { scope: stepScopeRef, model: modelRef, service: swaRef, evaluation: evaluationRef, epochs: epochsRef },
  services: ({ evaluate }) => averagingServices(swaRef, { evaluate, who: PLUGIN_NAME }),
  setup({ hooks, plugin, scope, model, service, epochs }, { start, period }) {
    assertNoParts(model.value, plugin.id, "List it by part: forPart('generator', stochasticWeightAveraging({ ... }))");
    const firstOf = start === undefined ? undefined : epochs.until(start, 'start');
    const isEpochOver = epochs.every(period, 'period');
    const { value } = model;
    const average = new WeightAverage(scope.value, plugin.id, value.trainable(), value.state(), {
      decay: 0,
      warmup: false,
    });
    /** Number of weights in the mean. */
    let count = 0;
    if (service instanceof EmaService) service.attach(average, () => count > 0);
    hooks.afterStep.tap(({ iteration, maxIterations }) => {
      const first = firstOf?.() ?? Math.floor(maxIterations * 0.75);
      const isDue = typeof period === 'number' ? (iteration - first) % period === 0 : isEpochOver(iteration + 1);
      if (iteration < first || !isDue) return;
      average.include(count);
      count++;
    });
    hooks.saveState.tap(() => {
      if (average.isSwapped) throw savedWhileSwapped(plugin.id);
    });
    hooks.loadState.tap((checkpoint) => {
      if (checkpoint.scope === 'weights') checkpoint.apply(() => void (count = 0));
    });
    return {
      state: defineState({
        schema: z.object({ count: z.int().min(0) }),
        save: () => ({ count }),
        load: (saved) => {
          ({ count } = saved);
        },
        reset: () => {
          count = 0;
        },
      }),
    };
  },
});
