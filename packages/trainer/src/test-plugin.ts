import { definePlugin, type Plugin, type Results } from '@hookline/core';
import { z } from 'zod';

const factory = definePlugin({
  name: '@hookline/trainer/test',
  version: '0.1.0',
  description: 'evaluates on the test data sets of the config',
  options: z.strictObject({
    test: z.custom<() => Promise<Results>>((value) => typeof value === 'function'),
  }),
  setup({ hooks }, { test }) {
    hooks.evaluate.tap(async (results) => ({ ...results, ...(await test()) }));
  },
});

/** The plugin that calls DefaultTrainer's `test` in the `evaluate` hook. */
export const testPlugin = (options: { readonly test: () => Promise<Results> }): Plugin => factory(options);
