import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { difference, train, type Training } from '../runners/train-both.test.support.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { adam } from '../optim/adam.ts';
import { registerKernels } from './register-kernels.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
  registerKernels();
});
afterEach(() => tf.disposeVariables());

const TOKENS = 7;
const batch = (phase: number) => ({
  x: { data: Int32Array.from({ length: 12 }, (_, i) => (i * 5 + phase * 3) % TOKENS), shape: [3, 4], dtype: 'int32' },
  y: { data: Float32Array.from({ length: 3 }, (_, i) => Math.sin(i + phase)), shape: [3, 1] },
});

const classifier = (...rest: tf.layers.Layer[]) =>
  layersModel(
    tf.sequential({
      layers: [
        tf.layers.embedding({
          inputDim: TOKENS,
          outputDim: 3,
          inputLength: 4,
          embeddingsInitializer: tf.initializers.randomNormal({ seed: 1 }),
        }),
        ...rest,
        tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.heNormal({ seed: 2 }) }),
      ],
    }),
    { loss: (out, { y }) => tf.losses.meanSquaredError(y, out) },
  );

const lstm = () =>
  tf.layers.lstm({
    units: 3,
    kernelInitializer: tf.initializers.heNormal({ seed: 3 }),
    recurrentInitializer: tf.initializers.heNormal({ seed: 4 }),
  });

/** Selects one output of each example by an index from the batch, as DQN does. */
const picker = () => {
  const w = tf.variable(tf.tensor([0.3, -0.2, 0.1, 0.4, 0.2, -0.6], [2, 3]));
  return functionModel<{ x: tf.Tensor2D; action: tf.Tensor1D }>({
    variables: { w },
    losses: ({ x, action }) =>
      tf
        .gather(x.matMul(w as tf.Tensor2D), action.expandDims(1), 1, 1)
        .sub(1)
        .square()
        .mean()
        .asScalar(),
  });
};
const choices = [0, 1].map((phase) => ({
  x: { data: Float32Array.from({ length: 8 }, (_, i) => Math.cos(i + phase)), shape: [4, 2] },
  action: { data: Int32Array.from({ length: 4 }, (_, i) => (i + phase) % 3), shape: [4], dtype: 'int32' },
}));

const TRAININGS: Record<string, Training> = {
  'an embedding': { model: () => classifier(tf.layers.flatten()), batches: [batch(0), batch(1)] },
  'an embedding before an LSTM, with Adam': {
    model: () => classifier(lstm()),
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    batches: [batch(0), batch(1)],
  },
  'a choice by indices of the batch': { model: picker, batches: choices },
};

it.each(Object.entries(TRAININGS))('trains captured as it does eagerly: %s', async (_, training) => {
  const [eager, captured] = [await train('eager', training), await train('captured', training)];
  expect(eager.losses.at(-1)).toBeLessThan(eager.losses[0] as number);
  expect(captured.ops.get('GatherV2')).toBeGreaterThan(0);
  expect(difference(eager, captured)).toBeLessThan(1e-6);
});

it.each(['eager', 'captured'] as const)(
  'an index out of range is an error that names the model and the op: %s',
  async (kind) => {
    const wrong = batch(2);
    wrong.x.data[5] = TOKENS;
    let made: TrainableModel | undefined;
    const model = () => (made = classifier(tf.layers.flatten()));
    const training = { model, batches: [batch(0), batch(1), wrong], steps: 3 };
    const error = await train(kind, training).catch((raised: unknown) => raised);
    expect(error).toBeInstanceOf(HooklineError);
    const { code, who, message } = error as HooklineError;
    expect(code).toBe('HKL_INDEX_OUT_OF_RANGE');
    expect(who).toMatch(/^model "/);
    expect(message).toContain('GatherV2');
    expect(message).toMatch(/indices\[[\d, ]+\] = 7 is not in \[0, 7\)/);
    // The weights are still those after the two previous steps.
    const weights = [...(made as unknown as TrainableModel).trainable()].map(
      ([name, each]) => [name, [...each.dataSync()]] as const,
    );
    const before = await train(kind, { ...training, steps: 2 });
    for (const [name, values] of weights) expect(values).toEqual(before.variables[`model/${name}`]);
  },
);

describe('the gradient of tf.gather', () => {
  const x = () =>
    tf.tensor(
      Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      [2, 2, 3, 4],
    );
  it.each([
    [0, 0, [3], 2],
    [1, 0, [2, 2], 2],
    [-1, 0, [5], 4],
    [1, 1, [2, 3], 2],
    [2, 1, [2, 2], 3],
    [3, 2, [2, 2, 3], 4],
  ])('along axis %i with %i batch dimensions agrees with finite differences', (axis, batchDims, shape, limit) => {
    const indices = tf.tensor(
      Int32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => (i * 7) % limit),
      shape,
      'int32',
    );
    const f = (t: tf.Tensor) => {
      const taken = tf.gather(t, indices as tf.Tensor1D, axis, batchDims);
      return taken
        .square()
        .mul(tf.cos(tf.range(0, taken.size)).reshape(taken.shape))
        .sum<tf.Scalar>();
    };
    const gradient = tf.grad(f)(x()).dataSync();
    const values = x().dataSync();
    for (let place = 0; place < values.length; place += 5) {
      const at = (step: number) => {
        const moved = values.slice();
        moved[place] = (moved[place] as number) + step;
        return f(tf.tensor(moved, [2, 2, 3, 4])).dataSync()[0] as number;
      };
      expect(gradient[place]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 2);
    }
  });
});
