import { basename, extname } from 'node:path';
import { checkpointsRef, definePlugin, loggerRef, optional, outputRef, readCheckpoint } from '@hookline/core';
import {
  snapshotVariables,
  exportModel,
  type ExportSource,
  exportSourceRef,
  modelRef,
  modelVariables,
  restoreVariables,
  tf,
  type TrainableModel,
} from '@hookline/tfjs';
import { exportSchema } from './options.ts';

const PLUGIN_NAME = '@hookline/plugin-export';

/** Prefix of the model's variables in a checkpoint. */
const PREFIX = 'model/';

/**
 * Exports the best checkpoint at the end of a training, as `hookline export` would. A training that fails or is interrupted exports nothing.
 *
 * @example exportBest({ formats: ['graph-model', 'onnx'] })
 */
export const exportBest = definePlugin({
  name: PLUGIN_NAME,
  version: '0.1.0',
  description: 'exports the best checkpoint at the end',
  options: exportSchema,
  // Run after the best checkpoint of the last evaluation has been saved, which happens before the writers run.
  after: ['checkpointing', 'evaluation', 'metrics', 'stopping', 'writing'],
  // One rank is enough, because all ranks have the same weights.
  ranks: 'first',
  requires: {
    model: modelRef,
    checkpoints: checkpointsRef,
    output: outputRef,
    logger: loggerRef,
    source: optional(exportSourceRef),
  },
  setup({ hooks, model, checkpoints, output, logger, source }, options) {
    const { formats, checkpoint, folder, batch } = options;

    const write = async (facts: Readonly<Record<string, unknown>>): Promise<void> => {
      const { details, ...known }: ExportSource =
        options.inputs === undefined ? ((await source?.()) ?? {}) : { inputs: options.inputs };
      try {
        for (const format of formats) {
          const exported = await exportModel(model.value, {
            ...{ format, batch, ...known },
            output: await output.file(folder, format),
            details: { ...details, ...options.details, ...facts },
          });
          const { check } = exported;
          logger.info(
            `exported as ${format} into ${folder}/${format} (${typeof check === 'string' ? check : `compared in ${check.runtime}`})`,
          );
        }
      } finally {
        tf.dispose(known.example as tf.TensorContainer);
      }
    };

    hooks.afterTrain.tap(async ({ status, iteration }) => {
      if (status === 'failed' || status === 'interrupted') return;
      const best = (await checkpoints.list()).find((path) => basename(path, extname(path)) === checkpoint);
      if (best === undefined) {
        logger.info(`there is no checkpoint ${checkpoint}; exporting the final weights`);
        await write({ checkpoint: null, iteration, weights: 'trained' });
        return;
      }
      await withWeights(model.value, best, (at) => write({ checkpoint: best, iteration: at, weights: 'trained' }));
    });
  },
});

/** Calls `fn` with the weights of a checkpoint in the model, and restores its own weights to the bit. */
async function withWeights(
  model: TrainableModel,
  file: string,
  fn: (iteration: number) => Promise<void>,
): Promise<void> {
  const variables = modelVariables(model);
  const { manifest, tensors } = await readCheckpoint(file);
  const before = await snapshotVariables(variables, PREFIX);
  restoreVariables(variables, tensors, { strict: true, prefix: PREFIX, source: file });
  try {
    await fn(manifest.iteration);
  } finally {
    restoreVariables(variables, before, { strict: true, prefix: PREFIX, checkFinite: false });
  }
}
