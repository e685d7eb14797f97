import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger } from '@hookline/core';
import { writers } from '@hookline/plugin-writers';
import { functionModel, layersModel, selectDevice, tf, type TrainableModel } from '@hookline/tfjs';
import { points } from './all-plugins.test.support.ts';
import { pointsTrainer } from './points-trainer.test.support.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

type Batch = { readonly x: tf.Tensor2D; readonly y: tf.Tensor2D };
const accuracyOf = (logits: tf.Tensor, { y }: Batch) => tf.metrics.categoricalAccuracy(y, logits).mean() as tf.Scalar;
const lossOf = (logits: tf.Tensor2D, { y }: Batch) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(y, logits);

/** The shape of {@link points}: five features, three classes. */
const MODELS: Record<string, () => TrainableModel> = {
  'the metrics of a layers model': () =>
    layersModel<Batch, tf.Tensor2D>(tf.sequential({ layers: [tf.layers.dense({ inputShape: [5], units: 3 })] }), {
      loss: lossOf,
      metrics: { accuracy: accuracyOf },
    }),
  'what a function model reports': () => {
    const w = tf.variable(tf.randomNormal<tf.Rank.R2>([5, 3]));
    return functionModel<Batch>({
      variables: { w },
      losses: (batch, _, scope) => {
        const logits = batch.x.matMul(w as tf.Tensor2D) as tf.Tensor2D;
        scope?.metric('accuracy', accuracyOf(logits, batch));
        return lossOf(logits, batch);
      },
    });
  },
};

it.each(
  Object.entries(MODELS).flatMap(([name, model]) => (['off', 'auto'] as const).map((c) => [name, c, model] as const)),
)('shows %s in the storage, the lines and metrics.json, capture %s', async (_, capture, model) => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) };
  const train = async (live: boolean, iterations: number) => {
    const trainer = pointsTrainer({
      output,
      capture,
      model,
      data: points,
      maxIterations: iterations,
      logger: new ConsoleLogger({ level: 'info', live, stream }),
      plugins: [writers({ period: 2, tensorboard: false, progress: { refresh: 1 } })],
    });
    await trainer.train();
    const values = trainer.storage.history('accuracy').values();
    await trainer.dispose();
    return values;
  };
  const values = await train(false, 6);
  expect(values.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4, 5]);
  for (const { value } of values) expect(value >= 0 && value <= 1).toBe(true);
  expect(new Set(values.map(({ value }) => value)).size).toBeGreaterThan(1);
  const lines = written
    .join('')
    .split('\n')
    .filter((line) => line.includes('iter: '));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/total_loss: [\d.]+ {2}accuracy: [\d.]+ {2}/);
  const records = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
  expect(records.map((line) => (JSON.parse(line) as { accuracy: number }).accuracy)).toEqual(
    values.map(({ value }) => value),
  );
  written.length = 0;
  await rm(join(output, 'metrics.json'));
  await train(true, 2);
  expect(written.join('')).toMatch(/2\/2 {2}loss [\d.]+ {2}accuracy [\d.]+/);
});
