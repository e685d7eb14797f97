import { join } from 'node:path';
import { ConsoleLogger, type PluginInput } from '@hookline/core';
import { ClassificationEvaluator, evaluator } from '@hookline/plugin-evaluator';
import { saveAt } from '@hookline/testing';
import { layersModel, modelRef, modelVariables, selectDevice, sgd, tf } from '@hookline/tfjs';
import { SimpleTrainer } from './simple-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const ROWS = 22;
let output: string;

beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const rows = Array.from({ length: ROWS }, (_, row) => ({ xs: [row / ROWS, 1], ys: row < 11 ? [1, 0] : [0, 1] }));
/** A data set that is shuffled anew in each pass; the last batch of each pass is smaller. */
const dataset = () => tf.data.array(rows).shuffle(ROWS, 'order').batch(4);

const make = (maxIterations: number, plugins: readonly PluginInput[] = []) =>
  new SimpleTrainer({
    model: () =>
      layersModel<{ ys: tf.Tensor }>(tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] }), {
        loss: (logits, { ys }) => tf.losses.softmaxCrossEntropy(ys, logits).asScalar(),
      }),
    optimizer: (model) => sgd(model, { learningRate: 0.5 }),
    data: dataset(),
    repeat: true,
    maxIterations,
    seed: 5,
    output,
    logger,
    plugins,
  });

async function resultOf(trainer: SimpleTrainer) {
  const variables = modelVariables(await trainer.service(modelRef));
  const losses = trainer.storage.history('total_loss').values();
  return { losses, weights: [...variables.values()].map((variable) => [...variable.dataSync()]) };
}

it('trains and evaluates on datasets of tf.data, and frees their batches', async () => {
  const before = tf.memory().numTensors;
  const judge = evaluator({
    period: 10,
    loader: tf.data.array(rows).batch(5),
    evaluators: new ClassificationEvaluator(),
  });
  const trainer = make(120, [judge]);
  await trainer.train();
  expect(trainer.storage.history('accuracy').values().at(-1)?.value).toBeGreaterThan(0.9);
  await trainer.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it.each([3, 8, 12])('goes on to the bit when resumed after %i of 20 steps', async (at) => {
  const whole = make(20, [saveAt(at)]);
  await whole.train();
  const resumed = make(20);
  await resumed.load(join(output, 'mid.safetensors'));
  await resumed.train();
  expect(await resultOf(resumed)).toEqual(await resultOf(whole));
  await whole.dispose();
  await resumed.dispose();
});

it('goes on in the pass when train is called again', async () => {
  const whole = make(20);
  await whole.train();
  const twice = make(8);
  await twice.train();
  await twice.train({ maxIterations: 20 });
  expect((await resultOf(twice)).weights).toEqual((await resultOf(whole)).weights);
  await whole.dispose();
  await twice.dispose();
});
