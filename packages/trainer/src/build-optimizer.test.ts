import { functionModel, selectDevice, tf } from '@hookline/tfjs';
import { buildOptimizer } from './build-optimizer.ts';
import type { BaseConfigInput } from './config/config-schema.ts';
import { defineConfig } from './config/define-config.ts';

beforeAll(() => selectDevice('auto'));

const build = (solver: BaseConfigInput['solver']) => {
  const [kernel, bias, gamma] = [0, 1, 2].map(() => tf.variable(tf.zeros([1])));
  const model = functionModel({
    variables: { 'fc/kernel': kernel!, 'fc/bias': bias!, 'bn/gamma': gamma! },
    kinds: { 'bn/gamma': 'norm' },
    losses: () => tf.scalar(0),
  });
  return buildOptimizer(defineConfig({ solver }).resolve(), model);
};

it("buildOptimizer gives detectron2's SGD by default: momentum 0.9, decay 1e-4, none for norm layers", () => {
  expect(build({})).toMatchObject({
    name: 'sgd',
    learningRate: 0.001,
    momentum: 0.9,
    nesterov: false,
    groups: [
      { names: ['fc/kernel', 'fc/bias'], lrFactor: 1, weightDecay: 1e-4 },
      { names: ['bn/gamma'], lrFactor: 1, weightDecay: 0 },
    ],
  });
});

it('buildOptimizer gives biases their own learning rate and decay, and knows other algorithms', () => {
  expect(build({ optimizer: 'adamw', baseLr: 0.5, biasLrFactor: 2, weightDecayBias: 0.25 })).toMatchObject({
    name: 'adamW',
    learningRate: 0.5,
    groups: [
      { names: ['fc/kernel'], lrFactor: 1, weightDecay: 1e-4 },
      { names: ['fc/bias'], lrFactor: 2, weightDecay: 0.25 },
      { names: ['bn/gamma'], lrFactor: 1, weightDecay: 0 },
    ],
  });
  expect(build({ optimizer: 'adam' }).name).toBe('adam');
});

it('buildOptimizer gives each algorithm its keys, and its own defaults where they are null', () => {
  expect(build({ optimizer: 'rmsprop', alpha: 0.9, centered: true })).toMatchObject({
    ...{ name: 'rmsprop', alpha: 0.9, centered: true, momentum: 0.9, epsilon: 1e-8 },
  });
  expect(build({ optimizer: 'adagrad', lrDecay: 0.5, initialAccumulator: 0.1 })).toMatchObject({
    ...{ name: 'adagrad', lrDecay: 0.5, initialAccumulator: 0.1, epsilon: 1e-10 },
  });
  expect(build({ optimizer: 'lion' })).toMatchObject({ name: 'lion', beta1: 0.9, beta2: 0.99 });
  expect(build({ optimizer: 'lamb', epsilon: 0.5, betas: [0.5, 0.75] })).toMatchObject({
    ...{ name: 'lamb', epsilon: 0.5, beta1: 0.5, beta2: 0.75 },
  });
  expect(build({ optimizer: 'adam' })).toMatchObject({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
});

it('buildOptimizer gives the variables of a backbone a learning rate of their own, and refuses it where there are none', () => {
  const [first, last] = [0, 1].map(() => tf.variable(tf.zeros([1])));
  const model = functionModel({
    variables: { 'backbone/conv/kernel': first!, 'head/kernel': last! },
    losses: () => tf.scalar(0),
  });
  const { solver } = defineConfig({ solver: { backboneLrFactor: 0.1 } }).resolve();
  expect(buildOptimizer({ ...defineConfig().resolve(), solver }, model).groups).toMatchObject([
    { names: ['backbone/conv/kernel'], lrFactor: 0.1 },
    { names: ['head/kernel'], lrFactor: 1 },
  ]);
  expect(() => build({ backboneLrFactor: 0.1 })).toThrow('HKL_UNKNOWN_PARAMETER');
});
