import { commRef, definePlugin, evaluationRef, HooklineError } from '@hookline/core';
import { modelRef } from '@hookline/tfjs';
import { leadingDimension } from './batch-size.ts';
import { meanLosses } from './mean-losses.ts';
import { validationLossSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-validation-loss';

/**
 * Adds the model's losses on held-out data to each evaluation. They are computed in eval mode, without gradients. The plugin `evaluator`
 * decides when to evaluate.
 *
 * @example validationLoss({ loader: () => makeValidationBatches() }) // val/total_loss
 */
export const validationLoss = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'adds the losses on held-out data to each evaluation',
  options: validationLossSchema,
  writes: ({ name }) => [`metrics/${name}`],
  requires: { model: modelRef, evaluation: evaluationRef, comm: commRef },
  setup({ hooks, plugin, model, comm }, { loader, name, batchSize }) {
    const sizeOf = (batch: unknown): number => {
      const size = batchSize?.(batch) ?? leadingDimension(model.value, batch, plugin.id);
      if (size > 0 && Number.isFinite(size)) return size;
      throw new HooklineError('HKL_VALIDATION_DATA', `the size of a batch is ${size}`, {
        who: plugin.id,
        fix: 'Give a batchSize that returns a number above 0',
      });
    };
    hooks.evaluate.tap(async (results) => {
      if (Object.hasOwn(results, name)) {
        throw new HooklineError('HKL_EVAL_DUPLICATE', `there are already results named "${name}"`, {
          who: plugin.id,
          fix: 'Set the option name, to a different value for each of several plugins',
        });
      }
      return { ...results, [name]: await meanLosses(model.value, loader, sizeOf, plugin.id, comm) };
    });
  },
});
