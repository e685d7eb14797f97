import tf from '#tfjs';
import { disposeBatch, toDevice } from '../batch/device-batch.ts';
import { selectDevice } from '../device/select-device.ts';
import type { ModelLike } from '../model/as-model.ts';
import { layersModel } from '../model/layers-model.ts';
import { linearBatches, rig } from '../step/step-fixture.test.support.ts';
import { adagrad } from './adagrad.ts';
import { adam, adamW } from './adam.ts';
import { lamb } from './lamb.ts';
import { lion } from './lion.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';
import { tfjsOptimizer } from './tfjs-optimizer.ts';

beforeAll(() => selectDevice('auto'));
afterEach(() => tf.disposeVariables());

/** The variables of the step fixture's linear model, without a model around them. */
const linear = () => ({
  w: tf.variable(tf.tensor([0.3, -0.2, 0.1], [3, 1])),
  bias: tf.variable(tf.tensor([0.05])),
});
const bits = (variables: Iterable<tf.Variable>) => [...variables].map((each) => [...each.dataSync()]);

it.each([
  ['sgd', (model: ModelLike) => sgd(model, { learningRate: 0.1, momentum: 0.9, nesterov: true })],
  ['adam', (model: ModelLike) => adam(model, { learningRate: 0.01, biasLrFactor: 2, weightDecay: 0.01 })],
  ['adamW', (model: ModelLike) => adamW(model, { learningRate: 0.01 })],
  ['rmsprop', (model: ModelLike) => rmsprop(model, { learningRate: 0.01, momentum: 0.5 })],
  ['adagrad', (model: ModelLike) => adagrad(model, { learningRate: 0.05, lrDecay: 0.1 })],
  ['lion', (model: ModelLike) => lion(model, { learningRate: 0.003 })],
  ['lamb', (model: ModelLike) => lamb(model, { learningRate: 0.01 })],
  ['tfjsOptimizer', (model: ModelLike) => tfjsOptimizer(model, tf.train.adam(0.01))],
])('%s.minimize over variables by name gives the same bits as a step of the runner', async (_, make) => {
  const wanted = rig({ optimizer: make });
  const losses = await wanted.steps(0, 5);
  const variables = linear();
  const optimizer = make(variables);
  const before = tf.memory().numTensors;
  const found: number[] = [];
  const batches = linearBatches();
  for (let step = 0; step < 5; step++) {
    const device = toDevice(batches.next().value);
    const { x, y } = device.batch as { x: tf.Tensor2D; y: tf.Tensor2D };
    const predict = () => x.matMul<tf.Tensor2D>(variables.w as tf.Tensor2D).add(variables.bias);
    found.push(await optimizer.minimize(() => tf.losses.meanSquaredError(y, predict())));
    disposeBatch(device);
  }
  expect(found).toEqual(losses);
  expect(bits([...Object.values(variables), ...optimizer.slots().values()])).toEqual(
    bits([...wanted.model.trainable().values(), ...wanted.optimizer.slots().values()]),
  );
  expect(tf.memory().numTensors).toBe(before);
});

describe('minimize', () => {
  const net = () =>
    tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [2], units: 3, kernelConstraint: tf.constraints.maxNorm({ maxValue: 0.5 }) }),
        tf.layers.dense({ units: 1, name: 'head' }),
      ],
    });
  const x = () => tf.tensor2d([1, 2, 3, 4], [2, 2]);

  it('accepts a tf.layers model, with its names and its constraints', async () => {
    const layers = net();
    const optimizer = sgd(layers, { learningRate: 1, overrides: { 'head/bias': { lrFactor: 0 } } });
    expect(optimizer.groups.flatMap(({ names }) => names).sort()).toEqual(
      [
        ...layersModel(layers, { loss: () => tf.scalar(0) })
          .trainable()
          .keys(),
      ].sort(),
    );
    await optimizer.minimize(() => tf.square(layers.apply(x()) as tf.Tensor).mean());
    const norms = layers.layers[0]!.getWeights()[0]!.norm('euclidean', 0).dataSync();
    for (const norm of norms) expect(norm).toBeLessThan(0.501);
    expect([...layers.layers[1]!.getWeights()[1]!.dataSync()]).toEqual([0]);
  });

  it('changes neither the variables of another optimizer nor those whose gradients are left out', async () => {
    const [generator, critic] = [linear(), linear()];
    const optimizer = sgd(critic, { learningRate: 1 });
    const before = bits(Object.values(generator));
    const seen: string[] = [];
    await optimizer.minimize(() => generator.w.mul(critic.w).sum().add(critic.bias.sum()).add(generator.bias.sum()), {
      gradients: ({ w }) => {
        seen.push('called');
        return { w: (w as tf.Tensor).clipByValue(-0.1, 0.1) };
      },
    });
    expect(seen).toEqual(['called']);
    expect(bits(Object.values(generator))).toEqual(before);
    expect(critic.bias.dataSync()[0]).toBeCloseTo(0.05);
    expect([...critic.w.dataSync()].map((value) => Number(value.toFixed(4)))).toEqual([0.2, -0.1, 0]);
  });

  it.each<[string, string, (v: ReturnType<typeof linear>) => tf.Scalar, object | undefined]>([
    [
      'a loss that is NaN',
      'HKL_LOSS_NOT_FINITE',
      ({ w }) => w.sum().div(0).sub(w.sum().div(0)) as tf.Scalar,
      undefined,
    ],
    [
      'a gradient that is infinite',
      'HKL_GRADIENT_NOT_FINITE',
      ({ w }) => w.sub(w).abs().sqrt().sum().add(w.sum()),
      undefined,
    ],
    ['a loss that is no scalar', 'HKL_LOSS_NOT_SCALAR', ({ w }) => w as never, undefined],
    ['an async loss', 'HKL_LOSS_NOT_SCALAR', (async () => Promise.reject(new Error('unheard'))) as never, undefined],
    ['a loss of none of the variables', 'HKL_NO_GRADIENTS', () => tf.scalar(1), undefined],
    [
      'a gradient with an unknown name',
      'HKL_UNKNOWN_PARAMETER',
      ({ w }) => w.sum(),
      { gradients: ({ w }: { w: tf.Tensor }) => ({ v: w }) },
    ],
    [
      'a gradient of another shape',
      'HKL_GRADIENT_SHAPE',
      ({ w }) => w.sum(),
      { gradients: ({ w }: { w: tf.Tensor }) => ({ w: w.sum() }) },
    ],
  ])('refuses %s before any variable or slot changes, and leaks no tensor', async (_, code, loss, options) => {
    const variables = linear();
    const optimizer = adam(variables, { learningRate: 0.1 });
    const all = [...Object.values(variables), ...optimizer.slots().values()];
    const [before, tensors] = [bits(all), tf.memory().numTensors];
    await expect(optimizer.minimize(() => loss(variables), options)).rejects.toMatchObject({ code });
    expect(bits(all)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('refuses a value that is no model, and apply() outside of a step', () => {
    expect(() => sgd(5 as never, { learningRate: 1 })).toThrow('HKL_MODEL_INVALID');
    expect(() => sgd({ w: tf.scalar(1) } as never, { learningRate: 1 })).toThrow('HKL_MODEL_VARIABLE');
    const variables = linear();
    const optimizer = sgd(variables, { learningRate: 1 });
    expect(() => optimizer.apply({ w: tf.ones([3, 1]) }, new Map(Object.entries(variables)))).toThrow(
      'optimizer.minimize(...) in place of apply(...)',
    );
  });
});
