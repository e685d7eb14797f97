import { definePlugin, type NamedTensors } from '@hookline/core';
import { stepScopeRef } from '@hookline/tfjs';
import { clipByGlobalNorm, clipByNorm, clipByValue } from './clip-gradients.ts';
import { gradientClippingSchema } from './options.ts';
import { globalNorm } from './p-norm.ts';

const PLUGIN_NAME = '@hookline/plugin-gradient-clipping';

/**
 * Clips gradients before the update, by value, by the norm of each, or by the norm of all.
 *
 * @example gradientClipping({ type: 'global-norm', clip: 5, metric: true })
 */
export const gradientClipping = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'clips gradients by value, per-parameter norm or global norm',
  options: gradientClippingSchema,
  provides: ['gradients'],
  writes: ({ metric }) => (metric === false ? [] : [`metrics/${metricName(metric)}`]),
  requires: { scope: stepScopeRef },
  setup({ hooks, scope }, { type, clip, norm: p, metric }) {
    const name = metric === false ? false : metricName(metric);
    const clipped = (gradients: NamedTensors, norm: ReturnType<typeof globalNorm> | undefined): NamedTensors => {
      if (type === 'value') return clipByValue(gradients, clip);
      return type === 'norm' ? clipByNorm(gradients, clip, p) : clipByGlobalNorm(gradients, clip, p, norm);
    };
    hooks.gradients.tap((gradients) => {
      const norm = name === false ? undefined : globalNorm(Object.values(gradients), p);
      if (name !== false && norm !== undefined) scope.value.metric(name, norm);
      return clipped(gradients, norm);
    });
  },
});

const metricName = (metric: string | true): string => (metric === true ? 'grad_norm' : metric);
