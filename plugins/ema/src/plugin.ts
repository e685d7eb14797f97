import { definePlugin, defineState } from '@hookline/core';
import { assertNoParts, modelRef, stepScopeRef } from '@hookline/tfjs';
import { z } from 'zod';
import { emaRef, EmaService } from './ema-service.ts';
import { emaSchema } from './options.ts';
import { averagingServices, savedWhileSwapped } from './averaging.ts';
import { WeightAverage } from './weight-average.ts';

const PLUGIN_NAME = '@hookline/plugin-ema';

/**
 * Maintains an exponential moving average of the weights on the device, and evaluates with it.
 *
 * @example ema({ decay: 0.9998 })
 */
export const ema = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'keeps an exponential moving average of the weights and evaluates with it',
  options: emaSchema,
  provides: ['averaging'],
  writes: ({ evaluate }) => (evaluate ? ['evaluationWeights'] : []),
  before: ['statistics', 'checkpointing', 'evaluation'],
  requires: { scope: stepScopeRef, model: modelRef, service: emaRef },
  services: ({ evaluate }) => averagingServices(emaRef, { evaluate, who: PLUGIN_NAME }),
  setup({ hooks, plugin, scope, model, service }, { decay, warmup, averageState }) {
    assertNoParts(model.value, plugin.id, "List it by part: forPart('generator', ema({ ... }))");
    const { value } = model;
    const state = averageState ? value.state() : new Map<string, never>();
    const average = new WeightAverage(scope.value, plugin.id, value.trainable(), state, { decay, warmup });
    // Weights may be loaded until the training starts; the average must start from them.
    let hasBegun = false;
    if (service instanceof EmaService) service.attach(average, () => hasBegun);
    hooks.beforeTrain.tap(() => {
      if (!hasBegun) average.reset();
      hasBegun = true;
    });
    hooks.afterUpdate.tap(() => average.update());
    hooks.saveState.tap(() => {
      if (average.isSwapped) throw savedWhileSwapped(plugin.id);
    });
    hooks.loadState.tap((checkpoint) => {
      if (checkpoint.scope === 'weights') checkpoint.apply(() => void (hasBegun = false));
    });
    return {
      state: defineState({
        schema: z.object({ hasBegun: z.boolean() }),
        save: () => ({ hasBegun }),
        load: (saved) => {
          ({ hasBegun } = saved);
        },
        // The plugin was added to a resumed run: the averages start from the loaded weights.
        reset: () => {
          hasBegun = false;
        },
      }),
    };
  },
});
