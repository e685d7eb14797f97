import { definePlugin, epochsRef, type StepContext, storageRef } from '@hookline/core';
import { z } from 'zod';
import { epochHooks } from './epoch-hooks.ts';

/**
 * Calls the hooks `beforeEpoch` and `afterEpoch`, which other plugins can tap, and stores the number of completed epochs as the scalar `epoch`.
 *
 * @example
 * definePlugin({
 *   name: 'my-plugin', version: '1.0.0', requires: { epochs: epochHooks },
 *   setup({ epochs }) { epochs.afterEpoch.tap(({ epoch }) => console.log(`epoch ${epoch} is done`)); },
 * });
 */
export const epochs = definePlugin({
  name: '@hookline/plugin-epochs',
  version: '0.1.0',
  description: 'hooks at the ends of epochs, and the epoch as a metric',
  after: ['timing', 'schedule', 'averaging', 'statistics'],
  options: z.strictObject({}),
  writes: ['metrics/epoch'],
  // Come before checkpointing: the effects of taps at the end of an epoch are then in the checkpoint of that step, and a resumed run does not repeat them.
  before: ['checkpointing', 'evaluation', 'writing'],
  requires: { epochs: epochsRef, storage: storageRef },
  hooks: epochHooks,
  setup({ hooks, own, epochs: count, storage }) {
    const isOver = count.every({ epochs: 1 }, 'it');
    const unsmoothed = { smoothing: false };
    /** The current epoch; undefined between two epochs. */
    let current: number | undefined;

    const endWhereOver = (done: number, step: StepContext): Promise<void> | undefined => {
      // Several epochs may end with one step, if a batch is larger than the data.
      if (current === undefined || Math.floor(count.after(done)) <= current) return undefined;
      current = undefined;
      return asPromise(own.afterEpoch.call({ ...step, epoch: Math.floor(count.after(done)) - 1 }));
    };
    hooks.beforeTrain.tap(({ startIteration: done }) => {
      const isWithin = done > 0 && count.after(done) > 0 && !isOver(done);
      current = isWithin ? Math.floor(count.after(done)) : undefined;
    });
    hooks.beforeStep.tap((step) => {
      const { iteration } = step;
      const begin = (): Promise<void> | undefined => {
        if (current !== undefined) return undefined;
        current = Math.floor(count.after(iteration));
        return asPromise(own.beforeEpoch.call({ ...step, epoch: current }));
      };
      // The last step of an epoch may have failed and been skipped.
      const ended = endWhereOver(iteration, { ...step, iteration: iteration - 1 });
      return ended === undefined ? begin() : ended.then(begin);
    });
    hooks.afterStep.tap((step) => {
      const done = step.iteration + 1;
      storage.putScalar('epoch', count.after(done), unsmoothed);
      return endWhereOver(done, step);
    });
  },
});

/** Returns nothing if no tap is asynchronous. */
const asPromise = (called: unknown): Promise<void> | undefined =>
  called instanceof Promise ? (called as Promise<void>) : undefined;
