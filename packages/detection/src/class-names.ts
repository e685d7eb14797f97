import { definePlugin, defineState, HooklineError, type Plugin } from '@hookline/core';
import { modelRef } from '@hookline/tfjs';
import { z } from 'zod';

const factory = definePlugin({
  name: '@hookline/detection/class-names',
  version: '0.1.0',
  description: 'keeps the names of the classes in checkpoints',
  requires: { model: modelRef },
  setup({ model }) {
    const own = (): readonly string[] => (model.value as { readonly classNames?: readonly string[] }).classNames ?? [];
    return {
      state: defineState({
        schema: z.array(z.string()),
        save: () => [...own()],
        load: (names) => {
          if (names.join('\n') !== own().join('\n')) throw differentClasses(names, own());
        },
      }),
    };
  },
});

/**
 * The plugin that keeps the names of a detector's classes in checkpoints, and refuses to go on with, or to evaluate, one
 * whose classes are others or in another order: its network would say one and mean another.
 */
export const classNames = (): Plugin => factory();

const differentClasses = (saved: readonly string[], own: readonly string[]): HooklineError =>
  new HooklineError('HKL_DATA_CLASSES', `it detects ${saved.join(', ')}, and the data have ${own.join(', ')}`, {
    who: 'checkpoint',
    fix: `Give --set data.classes=${saved.join(',')}, or the data that it was trained on`,
  });
