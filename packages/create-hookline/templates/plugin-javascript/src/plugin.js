import { definePlugin, defineState, storageRef } from '@hookline/core';
import { z } from 'zod';

const options = z.strictObject({
  /** Share of the old average that each step keeps, from 0 to below 1. */
  decay: z.number().min(0).lt(1).default(0.98),
});

/**
 * Stores a moving average of the total loss as the metric `{{metric}}`.
 *
 * @example {{export}}({ decay: 0.9 })
 */
export const {{export}} = definePlugin({
  name: '{{name}}',
  version: '0.1.0',
  description: 'stores a moving average of the total loss',
  options,
  // Other plugins find its metric by the label, and writers write it.
  provides: ['metrics'],
  before: ['writing'],
  requires: { storage: storageRef },
  setup({ hooks, storage }, { decay }) {
    /** @type {number | null} */
    let average = null; // null before the first step
    hooks.afterStep.tap(() => {
      const loss = storage.history('total_loss').latest();
      average = average === null ? loss : decay * average + (1 - decay) * loss;
      storage.putScalar('{{metric}}', average);
    });
    return {
      // What must survive a resume. The schema is checked before a run goes on from a checkpoint.
      state: defineState({
        schema: z.strictObject({ average: z.number().nullable() }),
        save: () => ({ average }),
        load: (saved) => {
          ({ average } = saved);
        },
        reset: () => {
          average = null;
        },
      }),
    };
  },
});
