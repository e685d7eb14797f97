import { definePreset } from '@hookline/core';
import { earlyStopping } from '@hookline/plugin-early-stopping';
import { presetDefault } from '@hookline/preset-default';

/**
 * The default plugins with a checkpoint every 500 iterations, and early stopping on the training loss.
 *
 * @example plugins: [{{export}}().configure('early-stopping', { patience: 10 })]
 */
export const {{export}} = definePreset({
  name: '{{name}}',
  version: '0.1.0',
  extends: [presetDefault({ checkpointer: { period: 500, maxToKeep: 3 } })],
  plugins: [earlyStopping({ metric: 'total_loss', mode: 'min', patience: 1000 })],
});
