import { commRef, definePlugin, loggerRef, outputRef, writeFileAtomically } from '@hookline/core';
import { modelRef, tf } from '@hookline/tfjs';
import { ForwardWatch } from './forward-watch.ts';
import { optionsSchema } from './options.ts';
import { type Summary, summarize } from './summary-table.ts';

/**
 * Logs a table of the model in the first step of each training, before a weight changes, and writes it to `model-summary.txt`: layers, output
 * shapes, parameters and multiply-adds. It observes the step's own forward pass, so it computes nothing, and batches and random
 * numbers are the same as without it.
 *
 * @example plugins: [presetDefault(), modelSummary()]
 */
export const modelSummary = definePlugin({
  name: '@hookline/plugin-model-summary',
  version: '0.1.0',
  description: 'layers, output shapes, parameters and multiply-adds of the model',
  options: optionsSchema,
  requires: { model: modelRef, logger: loggerRef, output: outputRef, comm: commRef },
  setup({ hooks, model, logger, output, comm }, { log }) {
    let watch: ForwardWatch | undefined;
    let items: number | undefined;
    let summary: Summary | undefined;
    let isWritten = false;
    const stop = (): void => {
      watch?.stop();
      watch = undefined;
    };

    hooks.batch.tap((batch) => {
      if (summary !== undefined || comm.rank !== 0) return;
      stop();
      items = itemsOf(batch);
      watch = new ForwardWatch();
      watch.start(model.value);
      // If the forward pass fails, `losses` is not called.
      queueMicrotask(stop);
    });
    hooks.losses.tap(() => {
      if (watch === undefined) return;
      summary = summarize(model.value, watch.use, items);
      stop();
      logger.info(log ? summary.table : summary.total);
    });
    hooks.afterStep.tap(() => {
      if (summary === undefined || isWritten) return;
      isWritten = true;
      const { table } = summary;
      return output.file('model-summary.txt').then((file) => writeFileAtomically(file, `${table}\n`));
    });
    return { dispose: stop };
  },
});

/** Number of items in a batch: the first dimension, if all its tensors have the same one. */
function itemsOf(batch: unknown): number | undefined {
  const sizes = new Set<number>();
  const visit = (value: unknown): void => {
    if (value instanceof tf.Tensor) {
      const [size] = value.shape as number[];
      if (size !== undefined) sizes.add(size);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(batch);
  const [size, ...others] = sizes;
  return others.length === 0 ? size : undefined;
}
