import { commRef, definePlugin, loggerRef, outputRef, writeFileAtomically } from '@hookline/core';
import { modelRef, tf } from '@hookline/tfjs';
import { ForwardWatch } from './forward-watch.ts';
import { optionsSchema } from './options.ts';
import { type Summary, summarize } from './summary-table.ts';
import { version } from './version.ts';

/**
 * Logs a table of the model in each training's first step, before a weight changes, and writes it to `model-summary.txt`: layers, shapes of
 * their outputs, parameters and multiply-adds. The step's own forward pass is watched, so nothing is computed besides, and batches and random
 * numbers are those of a training without it.
 *
 * @example plugins: [presetDefault(), modelSummary()]
 */
export const modelSummary = definePlugin({
  name: '@hookline/plugin-model-summary',
  version,
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
      // A forward pass that fails comes to no losses.
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

/** How many items a batch holds: the first axis that all its tensors have in common, where they do. */
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
