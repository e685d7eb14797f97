import { isHooklineError } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { parameterGroups, type ParameterGroupOptions } from './parameter-groups.ts';

let model: TrainableModel;

beforeAll(async () => {
  await selectDevice('auto');
  const layers = tf.sequential({
    layers: [
      tf.layers.dense({ units: 2, inputShape: [3], name: 'fc' }),
      tf.layers.batchNormalization({ name: 'bn' }),
      tf.layers.dense({ units: 2, name: 'head' }),
      tf.layers.dense({ units: 1, name: 'frozen', trainable: false }),
    ],
  });
  model = layersModel(layers, { loss: (outputs) => tf.mean(outputs) });
});

/** The learning-rate factor and weight decay of each parameter. */
function flat(options: ParameterGroupOptions): Record<string, [number, number]> {
  const groups = parameterGroups(model, options);
  return Object.fromEntries(
    groups.flatMap(({ names, lrFactor, weightDecay }) => names.map((name) => [name, [lrFactor, weightDecay]])),
  );
}

it('merges parameters with equal settings into one group, without frozen parameters', () => {
  expect(parameterGroups(model)).toEqual([
    { names: ['fc/kernel', 'fc/bias', 'bn/gamma', 'bn/beta', 'head/kernel', 'head/bias'], lrFactor: 1, weightDecay: 0 },
  ]);
});

it('gives norm layers their own weight decay', () => {
  expect(flat({ weightDecay: 1e-4, weightDecayNorm: 0 })).toEqual({
    'fc/kernel': [1, 1e-4],
    'fc/bias': [1, 1e-4],
    'bn/gamma': [1, 0],
    'bn/beta': [1, 0],
    'head/kernel': [1, 1e-4],
    'head/bias': [1, 1e-4],
  });
});

it('lets later rules win: defaults, norms, lrFactor, overrides', () => {
  const rates = flat({
    learningRate: 0.02,
    weightDecay: 1e-4,
    weightDecayNorm: 0,
    lrFactor: (name) => (name.startsWith('head/') ? 10 : 1),
    biasLrFactor: 2,
    weightDecayBias: 0.5,
    overrides: { beta: { weightDecay: 0.25 }, 'head/kernel': { learningRate: 0.01 } },
  });
  expect(rates).toEqual({
    'fc/kernel': [1, 1e-4],
    'fc/bias': [2, 0.5],
    'bn/gamma': [1, 0],
    'bn/beta': [1, 0.25],
    'head/kernel': [0.5, 1e-4],
    'head/bias': [2, 0.5],
  });
});

it('lets a full name win over the last part of a name', () => {
  const { 'fc/bias': fc, 'head/bias': head } = flat({
    overrides: { bias: { lrFactor: 3 }, 'fc/bias': { lrFactor: 4 } },
  });
  expect([fc, head]).toEqual([
    [4, 0],
    [3, 0],
  ]);
});

it('lets a bias override win over the decay of norms for a norm parameter named bias', () => {
  const norm = functionModel({
    variables: { 'ln/bias': tf.variable(tf.zeros([1])) },
    losses: () => tf.scalar(0),
    kinds: { 'ln/bias': 'norm' },
  });
  expect(parameterGroups(norm, { weightDecayNorm: 0.3 })[0]?.weightDecay).toBe(0.3);
  expect(parameterGroups(norm, { weightDecayNorm: 0.3, weightDecayBias: 0.7 })[0]?.weightDecay).toBe(0.7);
});

it.each<[string, ParameterGroupOptions, string]>([
  ['HKL_GROUP_CONFLICT', { biasLrFactor: 2, overrides: { bias: { lrFactor: 1 } } }, 'Use either biasLrFactor'],
  ['HKL_GROUP_NEEDS_LR', { overrides: { bias: { learningRate: 1 } } }, 'Give learningRate beside overrides'],
  ['HKL_UNKNOWN_PARAMETER', { overrides: { 'fc/kernal': {} } }, 'Did you mean "fc/kernel"?'],
  ['HKL_GROUP_VALUE', { lrFactor: () => Number.NaN }, 'lrFactor of "fc/kernel" is NaN'],
])('raises %s', (code, options, message) => {
  let error: unknown;
  try {
    parameterGroups(model, options);
  } catch (caught) {
    error = caught;
  }
  expect(isHooklineError(error, code)).toBe(true);
  expect((error as Error).message).toContain(message);
});
