import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { countParameters, describeModel, describeParameters } from './describe-model.ts';
import { layersModel } from './layers-model.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const model = () =>
  layersModel(
    tf.sequential({
      layers: [tf.layers.dense({ units: 50, inputShape: [30] }), tf.layers.batchNormalization({ name: 'bn' })],
    }),
    { loss: (outputs) => tf.mean(outputs), name: 'net' },
  );

it('counts parameters', () => {
  expect(countParameters(model())).toEqual({ trainable: 30 * 50 + 50 + 100, state: 100, total: 1750 });
});

it('describes every variable', () => {
  expect(describeParameters(model())[2]).toEqual({
    name: 'bn/gamma',
    shape: [50],
    size: 50,
    trainable: true,
    kind: 'norm',
  });
});

it('prints a table', () => {
  expect(describeModel(model()).split('\n')).toEqual([
    'net: 1,750 parameters, 1,650 of them trained',
    '  dense_1/kernel      [30, 50]  1,500',
    '  dense_1/bias        [50]         50',
    '  bn/gamma            [50]         50',
    '  bn/beta             [50]         50',
    '  bn/moving_mean      [50]         50  not trained',
    '  bn/moving_variance  [50]         50  not trained',
  ]);
});
