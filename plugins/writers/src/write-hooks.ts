import { asyncSeriesSettled, defineHooks } from '@hookline/core';
import type { WriteBatch } from './writer.ts';

/**
 * Hooks that this plugin adds: `write` is called with every batch, after the plugin's own writers. A plugin that
 * writes elsewhere lists this token in `requires` and taps it; it opens in `beforeTrain` and closes in `dispose`.
 */
export const writersHooks = defineHooks('@hookline/plugin-writers', {
  write: asyncSeriesSettled<[batch: WriteBatch]>(['batch'], 'write what was put since the last call'),
});
