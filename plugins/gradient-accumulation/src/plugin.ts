import { definePlugin, defineState, HooklineError, loggerRef } from '@hookline/core';
import { assertNoParts, modelRef, stepScopeRef } from '@hookline/tfjs';
import { z } from 'zod';
import { Accumulators, type Weight } from './accumulators.ts';
import { checkedSize, leadingSize } from './batch-size.ts';
import { gradientAccumulationSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-gradient-accumulation';

/** Version 2 weights each batch by its size. */
const STATE_VERSION = 2;

/** The saved state, without the sums, which are step variables and are saved as tensors. */
const savedState = z
  .object({
    /** Number of micro-batches in the sums. */
    done: z.int().min(0),
    steps: z.int().min(1),
    names: z.array(z.string()),
  })
  .refine(({ done, steps }) => done < steps, { path: ['done'], message: 'must be below "steps"' })
  .refine(({ done, names }) => done === 0 || names.length > 0, {
    path: ['names'],
    message: 'must name what the sums are of',
  });
type SavedState = z.output<typeof savedState>;

/**
 * Updates the weights once every `steps` steps, with the gradients of all of them.
 *
 * A failed step that is skipped leaves the sums as they were, as the runner does with every variable of the step; the
 * update comes one step later.
 *
 * @example gradientAccumulation({ steps: 4 })
 */
export const gradientAccumulation = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'updates the weights once every few steps, with the gradients of all of them',
  options: gradientAccumulationSchema,
  provides: ['accumulation'],
  before: ['schedule', 'gradients', 'averaging', 'statistics', 'checkpointing'],
  requires: { scope: stepScopeRef, model: modelRef, logger: loggerRef },
  setup({ hooks, plugin, scope, model, logger }, { steps, reduction, batchSize }) {
    assertNoParts(model.value, plugin.id, "List it by part: forPart('generator', gradientAccumulation({ ... }))");
    if (steps === 1) return;
    let done = 0;
    let size: Weight = 1;
    const isUpdate = scope.value.variant(`${plugin.id}/update`, () => done === steps - 1);
    const sums = new Accumulators(scope.value, plugin.id, model.value.trainable());
    hooks.beforeTrain.tap(({ startIteration, maxIterations }) => {
      const left = (done + maxIterations - startIteration) % steps;
      if (left === 0) return;
      logger.warn(
        `the last ${left} of the steps until ${maxIterations} change no weight: updates come every ${steps} steps`,
      );
    });
    if (reduction === 'mean') {
      // The size follows from the shape of the batch, which is known when the step is recorded; for a batch of another shape, the step is recorded again.
      hooks.batch.tap((batch) => {
        size =
          batchSize === undefined
            ? leadingSize(plugin.id, model.value, batch)
            : checkedSize(plugin.id, batchSize(batch as never));
      });
    }
    hooks.gradients.tap((gradients) => {
      if (isUpdate.value) {
        const total = reduction === 'mean' ? sums.mean(gradients, size) : sums.sum(gradients);
        // Clear the sums here, not in a tap of `update`, whose changes are undone if the device skips the update.
        sums.clear();
        return total;
      }
      sums.add(gradients, size);
      scope.value.updateIf(false);
      return gradients;
    });
    hooks.afterStep.tap(() => {
      done = (done + 1) % steps;
    });
    return {
      state: defineState({
        version: STATE_VERSION,
        migrate: (data) => {
          const old = z.object({ done: z.int(), steps: z.int() }).safeParse(data).data;
          if (old !== undefined && old.done > 0) throw sumsOfOld(plugin.id, old.done, old.steps);
          return data;
        },
        schema: savedState.refine(({ names }) => names.every((name) => model.value.trainable().has(name)), {
          path: ['names'],
          message: 'must be parameters of the model',
        }),
        save: () => ({ done, steps, names: [...sums.names] }),
        load: (saved) => {
          if (saved.done > 0 && saved.steps !== steps) throw stepsChanged(plugin.id, saved, steps);
          done = saved.done;
          sums.remember(saved.names);
        },
        reset: () => {
          done = 0;
          sums.clear();
        },
      }),
    };
  },
});

function stepsChanged(who: string, saved: SavedState, steps: number): HooklineError {
  return new HooklineError(
    'HKL_ACCUMULATION_STEPS',
    `the checkpoint is ${saved.done} of ${saved.steps} micro-batches into an update, and steps is ${steps} now`,
    {
      who,
      where: 'loading its state',
      fix: `Resume with steps: ${saved.steps}, or from a checkpoint between two updates`,
    },
  );
}

function sumsOfOld(who: string, done: number, steps: number): HooklineError {
  const what = `the checkpoint is ${done} of ${steps} micro-batches into an update, summed by a version that ignored their sizes`;
  return new HooklineError('HKL_ACCUMULATION_STEPS', what, {
    who,
    where: 'loading its state',
    fix: 'Resume from a checkpoint between two updates, or begin the sums afresh with --allow-mismatch gradient-accumulation',
  });
}
