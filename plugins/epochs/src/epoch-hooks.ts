import { asyncSeries, defineHooks, type StepContext } from '@hookline/core';

/** An epoch, as its hooks are told of it. */
export interface Epoch extends StepContext {
  /** Which one, from 0. */
  readonly epoch: number;
}

/** Hooks that this plugin adds. A plugin that taps them lists this token in `requires`. */
export const epochHooks = defineHooks('@hookline/plugin-epochs', {
  beforeEpoch: asyncSeries<[epoch: Epoch]>(['epoch'], 'before the first step of an epoch'),
  afterEpoch: asyncSeries<[epoch: Epoch]>(['epoch'], 'after the last step of an epoch'),
});
