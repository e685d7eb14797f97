import { definePlugin, epochsRef, storageRef, trainerRef } from '@hookline/core';
import { modelRef, stepScopeRef, tf } from '@hookline/tfjs';
import { countOnDevice, figuresOf, histogramOf } from './figures.ts';
import { optionsSchema } from './options.ts';

/**
 * Stores histograms of each weight and its gradient, and the relative size of the update, every `period` iterations, for TensorBoard.
 * They are computed on the device inside the step, and only in a step where they are due; all other steps are the same as without the plugin.
 *
 * @example plugins: [presetDefault(), weightHistograms({ period: 500 })]
 */
export const weightHistograms = definePlugin({
  name: '@hookline/plugin-weight-histograms',
  version: '0.1.0',
  description: 'histograms of weights and gradients, and the size of updates',
  options: optionsSchema,
  // Run after clipping, to see the gradients that the optimizer receives, and before writing.
  after: ['timing', 'schedule', 'accumulation?', 'gradients'],
  before: ['writing'],
  provides: ['metrics'],
  requires: { model: modelRef, scope: stepScopeRef, storage: storageRef, trainer: trainerRef, epochs: epochsRef },
  setup({ hooks, plugin, model, scope, storage, trainer, epochs }, { period, bins }) {
    const names = [...model.value.trainable().keys()];
    const isPeriodOver = epochs.every(period, 'period');
    const isDueAt = (iteration: number): boolean => isPeriodOver(iteration + 1);
    const isDue = scope.value.variant(`${plugin.id}/due`, () => isDueAt(trainer.iteration));
    const table = (what: string, columns: number): tf.Variable =>
      scope.value.variable(`${plugin.id}/${what}`, () => tf.zeros([names.length, columns]), { saved: false });
    const gradientFigures = table('gradients', figuresOf(bins));
    // The last column is the norm of the update divided by the norm of the weight.
    const weightFigures = table('weights', figuresOf(bins) + 1);
    let before: readonly tf.Tensor[] = [];
    const drop = (): void => {
      tf.dispose([...before]);
      before = [];
    };

    // A step that makes no update calls none of the taps below, so it yields no histogram.
    hooks.batch.tap(() => {
      if (!isDue.value) return;
      drop();
      for (const figures of [gradientFigures, weightFigures]) figures.assign(tf.zeros(figures.shape));
    });
    hooks.gradients.tap((gradients) => {
      if (!isDue.value) return;
      const variables = model.value.trainable();
      const none = tf.zeros([figuresOf(bins)]);
      const rows = names.map((name) => {
        const gradient = gradients[name];
        return gradient === undefined ? none : countOnDevice(gradient, bins);
      });
      gradientFigures.assign(tf.stack(rows));
      before = names.map((name) => tf.keep((variables.get(name) as tf.Variable).clone()));
    });
    hooks.afterUpdate.tap((variables) => {
      if (!isDue.value) return;
      const rows = names.map((name, place) => {
        const [old, now] = [before[place] as tf.Tensor, variables[name] as tf.Tensor];
        const ratio = tf.div(tf.norm(tf.sub(now, old)), tf.norm(old));
        return tf.concat1d([countOnDevice(now, bins), ratio.reshape([1]) as tf.Tensor1D]);
      });
      weightFigures.assign(tf.stack(rows));
      drop();
    });
    const store = async (): Promise<void> => {
      const [ofGradients, ofWeights] = await Promise.all([rowsOf(gradientFigures), rowsOf(weightFigures)]);
      names.forEach((name, place) => {
        const put = (what: string, figures: Float32Array): void => {
          const histogram = histogramOf(figures);
          if (histogram !== undefined) storage.putHistogram(`${what}/${name}`, histogram);
        };
        const weights = ofWeights[place] as Float32Array;
        put('gradients', ofGradients[place] as Float32Array);
        put('weights', weights.subarray(0, -1));
        const ratio = weights.at(-1) ?? Number.NaN;
        // The ratio is infinite if the weights were 0.
        if ((weights[0] ?? 0) > 0 && Number.isFinite(ratio))
          storage.putScalar(`update_ratio/${name}`, ratio, { smoothing: false });
      });
    };
    hooks.afterStep.tap(({ iteration }) => (isDueAt(iteration) ? store() : undefined));
    return { dispose: drop };
  },
});

async function rowsOf(table: tf.Variable): Promise<Float32Array[]> {
  const values = (await table.data()) as Float32Array;
  const [rows = 0, columns = 0] = table.shape;
  return Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}
