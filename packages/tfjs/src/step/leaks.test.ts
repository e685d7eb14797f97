import type { LazyScalar } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { adamW } from '../optim/adam.ts';
import { tfjsOptimizer } from '../optim/tfjs-optimizer.ts';
import { at, rig, type RigOptions } from './step-fixture.test.support.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

// The counts of all steps must be equal, so a tensor that every step or every second step leaks shows at once. The test
// with taps in all hooks looks for leaks that show only after hundreds of steps.
const STEPS = 40;
const MANY = 300;

function net(): TrainableModel {
  const layers = tf.sequential({
    layers: [
      tf.layers.dense({ units: 4, inputShape: [3], activation: 'relu', kernelRegularizer: 'l1l2' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.3 }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  return layersModel(layers, {
    loss: (out, { y }) => ({
      loss_mse: tf.losses.meanSquaredError(y, out),
      loss_l1: tf.losses.absoluteDifference(y, out),
    }),
  });
}

/** The distinct counts of tensors and buffers after each step: one entry unless something leaks. */
async function counts(
  options: RigOptions,
  { onError, steps = STEPS }: { onError?: (error: unknown) => void; steps?: number } = {},
): Promise<Set<string>> {
  const one = rig({ model: net(), optimizer: (model) => adamW(model, { learningRate: 0.001 }), ...options });
  const seen = new Set<string>();
  for (let i = 0; i < steps; i++) {
    try {
      const { metrics = {} } = await one.runner.run(at(i));
      // A trainer's storage does this once it has read the values.
      for (const metric of Object.values(metrics)) (metric as LazyScalar).dispose?.();
    } catch (error) {
      if (onError === undefined) throw error;
      onError(error);
    }
    const { numTensors, numDataBuffers } = tf.memory();
    seen.add(`${numTensors} tensors, ${numDataBuffers} buffers`);
  }
  return seen;
}

it(`leaves no tensor over ${MANY} steps, with taps in every hook`, async () => {
  const tap: RigOptions['tap'] = (hooks, scope) => {
    const rate = scope.input('mixing', () => 0.5);
    const seen = scope.variable('seen', () => tf.scalar(0));
    const noise = scope.random('noise');
    const { batch, losses, gradients, afterUpdate } = hooks.byName;
    batch.facade('p').tap((value) => {
      const { x, y } = value as Record<'x' | 'y', tf.Tensor>;
      return { x: x.add(noise.normal(x.shape).mul(0.01)), y };
    });
    losses.facade('p').tap((all) => ({ ...all, loss_mse: all['loss_mse']!.mul(rate.tensor()) }));
    gradients
      .facade('p')
      .tap((all) => Object.fromEntries(Object.entries(all).map(([name, each]) => [name, each.clipByValue(-1, 1)])));
    afterUpdate.facade('p').tap(() => {
      seen.assign(seen.add(1));
      scope.metric('seen', seen.asScalar());
    });
  };
  expect([...(await counts({ tap }, { steps: MANY }))]).toHaveLength(1);
});

it.each(['adam', 'sgd', 'rmsprop'] as const)("leaves none with tfjs's own %s", async (name) => {
  const optimizer: RigOptions['optimizer'] = (model) => tfjsOptimizer(model, tf.train[name](0.001));
  expect([...(await counts({ optimizer }))]).toHaveLength(1);
});

const SYNC_HOOKS = ['batch', 'losses', 'gradients', 'update', 'afterUpdate'] as const;

it.each(SYNC_HOOKS)('leaves none when a tap of %s throws in every second step', async (name) => {
  let calls = 0;
  const tap: RigOptions['tap'] = (hooks, scope) =>
    hooks.byName[name].facade('p').tap(() => {
      // Tensors that the tap itself made and reported must be freed as well.
      scope.metric('made', tf.ones([3]).mul(2).sum());
      if (calls++ % 2 === 0) throw new Error('on purpose');
    });
  const errors: unknown[] = [];
  // The first failure must not leak either, so the count must equal that of the successful steps.
  expect([...(await counts({ tap }, { onError: (error) => errors.push(error) }))]).toHaveLength(1);
  expect(errors).toHaveLength(STEPS / 2);
  expect((errors[0] as Error).message).toContain(`hook ${name}`);
});

it('leaves none when the model throws in the middle of its forward pass', async () => {
  const model = net();
  const { losses } = model;
  let calls = 0;
  model.losses = (batch) => {
    const found = losses(batch);
    if (calls++ % 2 === 0) throw new Error('on purpose');
    return found;
  };
  expect([...(await counts({ model }, { onError: () => undefined }))]).toHaveLength(1);
});

it('leaves none when a gradient throws in the backward pass', async () => {
  const model = net();
  const { losses } = model;
  const fails = tf.customGrad((x) => ({
    value: (x as tf.Tensor).mul(1),
    gradFunc: () => {
      throw new Error('on purpose');
    },
  }));
  model.losses = (batch) => ({ loss: fails((losses(batch) as Record<string, tf.Scalar>)['loss_mse']!) as tf.Scalar });
  let failures = 0;
  expect([...(await counts({ model }, { onError: () => failures++ }))]).toHaveLength(1);
  expect(failures).toBe(STEPS);
});

it('leaves none when the loss is not finite', async () => {
  const model = net();
  const { losses } = model;
  model.losses = (batch) => ({ ...(losses(batch) as object), loss_bad: tf.scalar(Number.NaN) });
  expect([...(await counts({ model }, { onError: () => undefined }))]).toHaveLength(1);
});

it('leaves none of the tensors that a data source yields', async () => {
  function* batches(): Generator {
    for (;;) yield { x: tf.ones([4, 3]), y: tf.ones([4, 1]) };
  }
  expect([...(await counts({ data: batches }))]).toHaveLength(1);
});
