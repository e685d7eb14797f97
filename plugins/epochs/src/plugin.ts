import { definePlugin, epochsRef, type StepContext, storageRef } from '@hookline/core';
import { z } from 'zod';
import { epochHooks } from './epoch-hooks.ts';

/**
 * Calls the hooks `beforeEpoch` and `afterEpoch`, which other plugins tap, and stores as `epoch` how many epochs are done.
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
  // What taps do at the end of an epoch is in the checkpoint of that step, and so comes once, also where a run goes on from there.
  before: ['checkpointing', 'evaluation', 'writing'],
  requires: { epochs: epochsRef, storage: storageRef },
  hooks: epochHooks,
  setup({ hooks, own, epochs: count, storage }) {
    const isOver = count.every({ epochs: 1 }, 'it');
    const unsmoothed = { smoothing: false };
    /** The epoch in progress; undefined between two of them. */
    let current: number | undefined;

    const endWhereOver = (done: number, step: StepContext): Promise<void> | undefined => {
      // Several may end with one step, where a batch is longer than the data.
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

/** Of a call without an asynchronous tap, nothing. */
const asPromise = (called: unknown): Promise<void> | undefined =>
  called instanceof Promise ? (called as Promise<void>) : undefined;
