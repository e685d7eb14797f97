import { RecordingLogger, tinyBatches } from '@hookline/testing';
import { currentDevice, layersModel, sgd, tf } from '@hookline/tfjs';
import { SimpleTrainer } from './simple-trainer.ts';

const makeModel = () =>
  layersModel<{ x: tf.Tensor; y: tf.Tensor }>(
    tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 1 })] }),
    { loss: (outputs, { y }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, outputs) },
  );

it.each([
  ['that the trainer makes', (): (() => ReturnType<typeof makeModel>) => makeModel],
  ['made before, on the JavaScript backend', (): ReturnType<typeof makeModel> => makeModel()],
])('SimpleTrainer without a device trains a model %s not on the JavaScript backend', async (_, give) => {
  if (tf.engine().backendName) await tf.setBackend('cpu');
  const logger = new RecordingLogger();
  const model = give();
  const trainer = new SimpleTrainer({
    model,
    optimizer: (of) => sgd(of, { learningRate: 0.05 }),
    data: tinyBatches,
    repeat: true,
    maxIterations: 20,
    seed: 1,
    logger,
  });
  await trainer.train();
  expect(tf.getBackend()).not.toBe('cpu');
  expect(logger.lines).toContain(currentDevice()!.describe());
  const losses = trainer.storage.history('total_loss').values();
  expect(losses.at(-1)!.value).toBeLessThan(losses[0]!.value);
});
