import { asyncSeries, defineHooks, type StepContext } from '@hookline/core';

/** The argument of the epoch hooks. */
export interface Epoch extends StepContext {
  /** Index of the epoch, from 0. */
  readonly epoch: number;
}

/** Hooks that this plugin adds. A plugin that taps them lists this token in `requires`. */
export const epochHooks = defineHooks('@hookline/plugin-epochs', {
  beforeEpoch: asyncSeries<[epoch: Epoch]>(['epoch'], 'before the first step of an epoch'),
  afterEpoch: asyncSeries<[epoch: Epoch]>(['epoch'], 'after the last step of an epoch'),
});
