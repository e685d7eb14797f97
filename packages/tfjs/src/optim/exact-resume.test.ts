import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { bitsOf, resume, rig } from '../step/step-fixture.test.support.ts';
import { adagrad } from './adagrad.ts';
import { adam, adamW } from './adam.ts';
import { lamb } from './lamb.ts';
import { lion } from './lion.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';
import { tfjsOptimizer } from './tfjs-optimizer.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const OPTIMIZERS: [string, (model: TrainableModel) => Optimizer][] = [
  ['sgd', (model) => sgd(model, { learningRate: 0.05 })],
  [
    'sgd with Nesterov',
    (model) => sgd(model, { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  ],
  ['adam', (model) => adam(model, { learningRate: 0.01, weightDecay: 0.01 })],
  ['adamW', (model) => adamW(model, { learningRate: 0.01, biasLrFactor: 2 })],
  ['tf.train.sgd', (model) => tfjsOptimizer(model, tf.train.sgd(0.05))],
  ['tf.train.momentum', (model) => tfjsOptimizer(model, tf.train.momentum(0.05, 0.9))],
  ['tf.train.adagrad', (model) => tfjsOptimizer(model, tf.train.adagrad(0.05))],
  ['tf.train.adadelta', (model) => tfjsOptimizer(model, tf.train.adadelta(0.5))],
  ['tf.train.adam', (model) => tfjsOptimizer(model, tf.train.adam(0.01))],
  ['tf.train.adamax', (model) => tfjsOptimizer(model, tf.train.adamax(0.01))],
  ['tf.train.rmsprop', (model) => tfjsOptimizer(model, tf.train.rmsprop(0.01, 0.9, 0.5))],
  ['rmsprop', (model) => rmsprop(model, { learningRate: 0.01, weightDecay: 0.01 })],
  [
    'rmsprop, centered, with momentum',
    (model) => rmsprop(model, { learningRate: 0.01, centered: true, momentum: 0.5, biasLrFactor: 2 }),
  ],
  ['adagrad', (model) => adagrad(model, { learningRate: 0.05, lrDecay: 0.1 })],
  ['lion', (model) => lion(model, { learningRate: 0.003, weightDecay: 0.1, weightDecayBias: 0 })],
  ['lamb', (model) => lamb(model, { learningRate: 0.01 })],
];

it.each(OPTIMIZERS)('%s: 7 steps, save, restore, 7 steps are 14 steps to the bit', async (_, optimizer) => {
  const whole = rig({ optimizer });
  const losses = await whole.steps(0, 14);

  const first = rig({ optimizer });
  await first.steps(0, 7);
  const second = rig({ optimizer });
  await resume(first, second);
  expect(await second.steps(7, 14)).toEqual(losses.slice(7));
  expect(await bitsOf(second)).toEqual(await bitsOf(whole));
});

it.each(OPTIMIZERS)('%s: every slot changes', async (_, optimizer) => {
  // A slot that never changed would make the test above prove nothing about it.
  const one = rig({ optimizer });
  const before = await bitsOf(one);
  await one.steps(0, 3);
  const after = await bitsOf(one);
  for (const name of one.optimizer.slots().keys()) {
    expect([name, after[`optimizer/${name}`]]).not.toEqual([name, before[`optimizer/${name}`]]);
  }
});
