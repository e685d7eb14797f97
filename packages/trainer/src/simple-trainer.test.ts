import { ConsoleLogger } from '@hookline/core';
import { ArrayLoader } from '@hookline/data';
import { adam, functionModel, layersModel, modelRef, selectDevice, sgd, tf, type TrainableModel } from '@hookline/tfjs';
import { tinyBatches } from '@hookline/testing';
import { SimpleTrainer, type SimpleTrainerOptions } from './simple-trainer.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const makeModel = (): TrainableModel =>
  layersModel<{ x: tf.Tensor; y: tf.Tensor }>(
    tf.sequential({
      layers: [tf.layers.dense({ inputShape: [4], units: 8, activation: 'relu' }), tf.layers.dense({ units: 1 })],
    }),
    { loss: (outputs, { y }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, outputs) },
  );
const make = (model: (() => TrainableModel) | TrainableModel) =>
  new SimpleTrainer({
    device: 'auto',
    model,
    optimizer: (of) => adam(of, { learningRate: 0.02 }),
    data: tinyBatches,
    repeat: true,
    maxIterations: 60,
    seed: 2,
    logger,
  });

describe('SimpleTrainer', () => {
  it('trains a model that it makes, on the device it is told, and frees everything', async () => {
    await selectDevice('auto');
    const before = tf.memory().numTensors;
    const trainer = make(makeModel);
    await trainer.train();
    const losses = trainer.storage.history('total_loss');
    expect(losses.median(8)).toBeLessThan(0.3 * losses.values()[0]!.value);
    await trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves alone a model that it was given', async () => {
    await selectDevice('auto');
    const model = makeModel();
    const before = tf.memory().numTensors;
    const trainer = make(model);
    await trainer.train();
    await trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect([...model.trainable().values()].some((variable) => variable.isDisposed)).toBe(false);
  });
});

const batch = (x: number) => ({ x: { data: Float32Array.of(x), shape: [] } });

/** Minimises x·w from w = 1 with rate 0.5: each step takes 0.5·x from w. */
const makeScalar = (options: Partial<SimpleTrainerOptions> = {}) =>
  new SimpleTrainer({
    maxIterations: 3,
    capture: 'off',
    model: () => {
      const w = tf.variable(tf.scalar(1));
      return functionModel<{ x: tf.Tensor }>({ variables: { w }, losses: ({ x }) => x.mul(w).asScalar() });
    },
    optimizer: (model) => sgd(model, { learningRate: 0.5 }),
    data: [1, 2, 4, 8].map(batch),
    logger,
    ...options,
  });
const weightOf = async (trainer: SimpleTrainer) =>
  (await trainer.service(modelRef)).trainable().get('w')!.dataSync()[0];

describe('a step of SimpleTrainer', () => {
  beforeAll(() => selectDevice('auto'));

  it('takes a batch, steps by its gradient, and stores the loss before the step and the time of the data', async () => {
    const trainer = makeScalar();
    expect(await trainer.train()).toEqual({ status: 'completed', iteration: 3 });
    expect(await weightOf(trainer)).toBe(1 - 0.5 - 1 - 2);
    expect(trainer.storage.history('total_loss').values()).toEqual([
      { value: 1, iteration: 0 },
      { value: 2 * 0.5, iteration: 1 },
      { value: 4 * -0.5, iteration: 2 },
    ]);
    const times = trainer.storage.history('data_time').values();
    expect(times.map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
    expect(times.every(({ value }) => value >= 0)).toBe(true);
  });

  it.each(['off', 'auto'] as const)('frees losses that are not stored, capture %s', async (capture) => {
    const trainer = makeScalar({ repeat: true, metricsPeriod: 10, checkFinite: 'off', capture, maxIterations: 10 });
    await trainer.train();
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 60 });
    expect(tf.memory().numTensors).toBe(before);
    expect(trainer.storage.history('total_loss').length).toBe(6);
  });

  it('puts the model in train mode', async () => {
    const trainer = makeScalar();
    expect((await trainer.service(modelRef)).training).toBe(true);
  });

  it('ends with an error when the data does, with the steps made until then', async () => {
    const trainer = makeScalar({ maxIterations: 9 });
    await expect(trainer.train()).rejects.toThrow(/HKL_DATA_EXHAUSTED.*after 4 batches/);
    expect(trainer.iteration).toBe(4);
    expect(await weightOf(trainer)).toBe(1 - 0.5 * 15);
  });

  it('leaves the weights as they were when the loss is not finite, whatever is stored', async () => {
    const trainer = makeScalar({ data: [1, Number.NaN].map(batch), metricsPeriod: 5 });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_LOSS_NOT_FINITE' });
    expect(trainer.iteration).toBe(1);
    expect(await weightOf(trainer)).toBe(0.5);
  });
});

it('trains on tensors in an ArrayLoader, which stay those of the program', async () => {
  await selectDevice('auto');
  const [x, y] = [tf.randomNormal([64, 4], 0, 1, 'float32', 3), tf.zeros([64, 1])];
  const data = new ArrayLoader({ x, y, index: tf.range(0, 64, 1, 'int32') }, { batchSize: 16, repeat: true });
  const trainer = new SimpleTrainer({
    model: makeModel,
    optimizer: (of) => adam(of, { learningRate: 0.02 }),
    data,
    maxIterations: 40,
    seed: 2,
    logger,
  });
  await trainer.train();
  const losses = trainer.storage.history('total_loss').values();
  expect(losses.at(-1)!.value).toBeLessThan(0.5 * losses[0]!.value);
  expect([x.isDisposed, y.isDisposed]).toEqual([false, false]);
  const [batch] = [...new ArrayLoader({ index: tf.tensor1d([7, 8], 'int32') }, { batchSize: 2 })];
  expect(batch?.index).toEqual({ data: Int32Array.of(7, 8), shape: [2] });
  await trainer.dispose();
});
