import { definePlugin, loggerRef, optional } from '@hookline/core';
import { assertNoParts, modelRef, stepScopeRef } from '@hookline/tfjs';
import { allFinite } from './all-finite.ts';
import { LossScale } from './loss-scale.ts';
import { lossScalingSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-loss-scaling';

/** The scalars that it stores at each update. */
const [SCALE, SKIPPED] = ['loss_scale', 'skipped_steps'];
/** Updates skipped in a row after which something else than the scale must be wrong: 2^-16 of the first is left. */
const MANY = 32;

/**
 * Scales the loss so that small gradients survive float16, and skips updates whose gradients are not finite (torch's
 * GradScaler, detectron2's AMPTrainer).
 *
 * @example lossScaling({ growthInterval: 500 })
 */
export const lossScaling = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'scales the loss for float16, and skips updates whose gradients are not finite',
  options: lossScalingSchema,
  provides: ['scaling'],
  writes: ['lossScale', `metrics/${SCALE}`, `metrics/${SKIPPED}`],
  // The gradients of an update are judged, before clipping could hide that some are infinite.
  after: ['accumulation?'],
  before: ['gradients', 'averaging', 'checkpointing'],
  requires: { scope: stepScopeRef, model: optional(modelRef), logger: loggerRef },
  setup({ hooks, plugin, scope, model, logger }, options) {
    if (model !== undefined)
      assertNoParts(model.value, plugin.id, 'Train in float32 or bfloat16, which need no scaled loss');
    const state = new LossScale(scope.value, plugin.id, options);
    scope.value.scaleLoss(() => state.scale);
    hooks.gradients.tap((gradients) => {
      const isGood = allFinite(Object.values(gradients));
      scope.value.updateIf(isGood);
      scope.value.metric(SCALE, state.scale);
      state.follow(isGood);
      scope.value.metric(SKIPPED, state.skipped);
      return gradients;
    });
    let total: number | undefined;
    let inARow = 0;
    let first = 0;
    hooks.afterStep.tap(({ iteration }, { metrics = {} }) => {
      const { [SKIPPED]: skipped, [SCALE]: scale } = metrics;
      // Only what has been read anyway.
      if (typeof skipped !== 'number' || typeof scale !== 'number') return;
      inARow = skipped > (total ?? skipped) ? inARow + 1 : 0;
      total = skipped;
      if (inARow === 1) first = iteration;
      if (inARow !== MANY) return;
      logger.warn(
        `all updates from iteration ${first} to ${iteration} were skipped: the gradients are not finite even with the loss times ${scale}. ` +
          'Look for a NaN in the model, or train in float32 to see whether precision is to blame',
      );
    });
  },
});
