import { ConsoleLogger } from '@hookline/core';
import { adam, layersModel, selectDevice, tf, type TrainableModel } from '@hookline/tfjs';
import { tinyBatches } from '@hookline/testing';
import { SimpleTrainer } from './simple-trainer.ts';

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
