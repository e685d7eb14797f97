import { isHooklineError, type EngineHookSet, type LazyScalar } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { sgd } from '../optim/sgd.ts';
import type { CheckFinite } from './eager-runner.ts';
import { at, bitsOf, linearBatches, linearModel, rig, type RigOptions } from '../step/step-fixture.test.support.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const caught = async (run: () => unknown): Promise<Error> => {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};

it('reaches the solution of a linear problem', async () => {
  const one = rig({ optimizer: (model) => sgd(model, { learningRate: 0.1, momentum: 0.9 }) });
  await one.steps(0, 300);
  const weights = [...one.model.trainable().get('w')!.dataSync(), ...one.model.trainable().get('bias')!.dataSync()];
  [0.5, -0.25, 1, 1].forEach((value, k) => expect(weights[k]).toBeCloseTo(value, 3));
});

it('gives losses as numbers, and their sum where there are several', async () => {
  const single = await rig().runner.run(at(0));
  expect(Object.keys(single.losses)).toEqual(['total_loss']);
  expect(single.totalLoss).toBeUndefined();
  expect(single.dataTime).toBeGreaterThanOrEqual(0);

  const several = await rig({ model: twoLosses(1, 2) }).runner.run(at(0));
  expect(several).toMatchObject({ losses: { loss_a: 1, loss_b: 2 }, totalLoss: 3 });
});

it('calls the hooks in order, each with the result of the previous one', async () => {
  const seen: string[] = [];
  const tap = (hooks: EngineHookSet): void => {
    hooks.byName.batch.facade('p').tap((batch) => {
      seen.push('batch');
      const { x, y } = batch as Record<'x' | 'y', tf.Tensor>;
      return { x: x.mul(0), y };
    });
    hooks.byName.losses.facade('p').tap((losses) => {
      seen.push(`losses ${Object.keys(losses).join()}`);
      return { ...losses, extra: tf.scalar(7) };
    });
    hooks.byName.gradients.facade('p').tap((gradients) => {
      seen.push(`gradients ${Object.keys(gradients).join()}`);
      // The inputs are zero, so the gradient of w is zero.
      expect([...gradients['w']!.dataSync()].map(Math.abs)).toEqual([0, 0, 0]);
      return { bias: tf.tensor([1]) };
    });
    hooks.byName.afterUpdate.facade('p').tap((variables) => {
      seen.push(`afterUpdate ${Object.keys(variables).join()}`);
    });
  };
  const one = rig({ tap, optimizer: (model) => sgd(model, { learningRate: 0.5 }) });
  const { losses, totalLoss } = await one.runner.run(at(0));
  expect(seen).toEqual(['batch', 'losses total_loss', 'gradients w,bias', 'afterUpdate w,bias']);
  expect(losses['extra']).toBe(7);
  expect(totalLoss).toBeCloseTo((losses['total_loss'] as number) + 7, 5);
  expect(one.model.trainable().get('bias')!.dataSync()[0]).toBeCloseTo(0.05 - 0.5, 6);
  expect([...one.model.trainable().get('w')!.dataSync()]).toEqual([...Float32Array.of(0.3, -0.2, 0.1)]);
});

it("lets the update hook take the optimizer's place", async () => {
  const one = rig({ tap: (hooks) => hooks.byName.update.facade('p').tap(() => true) });
  const before = await bitsOf(one);
  await one.steps(0, 2);
  expect(await bitsOf(one)).toEqual(before);
});

describe('a loss that is not finite', () => {
  it.each([
    ['the only one', () => linearModelWith(Number.NaN), 'total_loss: NaN'],
    ['one of two', () => twoLosses(1, Number.NaN), 'loss_a: 1, loss_b: NaN, total_loss: NaN'],
    ['infinities that cancel', () => twoLosses(Infinity, -Infinity), 'loss_a: Infinity, loss_b: -Infinity'],
  ])('stops the step before weights change: %s', async (_, model, printed) => {
    const one = rig({ model: model() });
    const before = await bitsOf(one);
    const error = await caught(() => one.runner.run(at(4)));
    expect(isHooklineError(error, 'HKL_LOSS_NOT_FINITE')).toBe(true);
    expect(error.message).toContain(printed);
    expect(error.message).toContain('iteration 4');
    expect(await bitsOf(one)).toEqual(before);
  });

  it("restores moving averages and the scope's variables", async () => {
    const average = tf.variable(tf.scalar(5), false);
    const w = tf.variable(tf.scalar(2));
    const model = functionModel({
      variables: { w, average },
      losses: () => {
        average.assign(tf.scalar(6));
        return w.mul(Number.NaN).asScalar();
      },
    });
    const one = rig({
      model,
      tap: (hooks, scope) => {
        const sum = scope.variable('sum', () => tf.scalar(1));
        hooks.byName.gradients.facade('p').tap((gradients) => {
          sum.assign(sum.add(gradients['w']!));
        });
      },
    });
    const before = await bitsOf(one);
    await caught(() => one.runner.run(at(0)));
    expect(await bitsOf(one)).toEqual(before);
  });

  it.each<[CheckFinite, number[]]>([
    ['always', [0, 1, 2, 3, 4, 5]],
    [3, [2, 5]],
    ['off', []],
  ])('is checked for as often as checkFinite says: %p', async (checkFinite, expected) => {
    const failed: number[] = [];
    const model = linearModelWith(Number.NaN);
    // With a learning rate of 0 the weights stay finite, so every step computes the same loss.
    const one = rig({ model, checkFinite, optimizer: (of) => sgd(of, { learningRate: 0 }) });
    for (let i = 0; i < 6; i++) {
      try {
        const { losses } = await one.runner.run(at(i));
        (losses['total_loss'] as LazyScalar).dispose?.();
      } catch {
        failed.push(i);
      }
    }
    expect(failed).toEqual(expected);
  });
});

it('leaves losses on the device when nothing has to read them', async () => {
  const one = rig({ model: twoLosses(1, 2), checkFinite: 'off' });
  const before = tf.memory().numTensors;
  const { losses, totalLoss } = await one.runner.run(at(0));
  expect(tf.memory().numTensors).toBe(before + 1);
  const lazy = [losses['loss_a'], losses['loss_b'], totalLoss] as LazyScalar[];
  expect(lazy.map((each) => each.read())).toEqual([1, 2, 3]);
  for (const each of lazy) each.dispose?.();
  expect(tf.memory().numTensors).toBe(before);
});

describe('with losses that are read asynchronously, as WebGPU requires', () => {
  const noisy: RigOptions['tap'] = (hooks, scope) => {
    const [one, two] = [scope.random('one'), scope.random('two')];
    hooks.byName.batch.facade('p').tap((batch) => {
      const { x, y } = batch as { x: tf.Tensor; y: tf.Tensor };
      return { x: x.add(one.normal(x.shape)), y };
    });
    // The second half of a step continues the random numbers of the first half.
    hooks.byName.update.facade('p').tap((gradients) => {
      scope.metric(
        'drawn',
        one
          .uniform([1])
          .add(two.uniform([1]))
          .sum(),
      );
      expect(Object.keys(gradients)).toEqual(['w', 'bias']);
      return undefined;
    });
  };

  it('gives the same bits, without leaks', async () => {
    const [sync, async] = [rig({ tap: noisy }), rig({ tap: noisy, readAsync: true })];
    const before = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) {
      const expected = sync.runner.run(at(i));
      const found = async.runner.run(at(i));
      expect([expected instanceof Promise, found instanceof Promise]).toEqual([false, true]);
      const drawn = [await expected, await found].map(({ losses, metrics }) => {
        const metric = metrics?.['drawn'] as LazyScalar;
        const value = metric.read();
        metric.dispose?.();
        return [losses, value];
      });
      expect(drawn[1]).toEqual(drawn[0]);
    }
    expect(await bitsOf(async)).toEqual(await bitsOf(sync));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('restores everything when the loss is not finite, and leaks nothing', async () => {
    const average = tf.variable(tf.scalar(5), false);
    const w = tf.variable(tf.scalar(2));
    const model = functionModel({
      variables: { w, average },
      losses: () => {
        average.assign(tf.scalar(6));
        return w.mul(Number.NaN).asScalar();
      },
    });
    const one = rig({ model, readAsync: true });
    const before = await bitsOf(one);
    const tensors = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      expect(isHooklineError(await caught(() => one.runner.run(at(i))), 'HKL_LOSS_NOT_FINITE')).toBe(true);
    }
    expect(await bitsOf(one)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it.each(['batch', 'losses', 'gradients', 'update', 'afterUpdate'] as const)(
    'leaks nothing when a tap of %s throws',
    async (name) => {
      const tap = (hooks: EngineHookSet): void => {
        hooks.byName[name].facade('p').tap(() => {
          throw new Error('on purpose');
        });
      };
      const one = rig({ tap, readAsync: true });
      const tensors = tf.memory().numTensors;
      for (let i = 0; i < 3; i++) {
        expect((await caught(() => one.runner.run(at(i)))).message).toContain(`hook ${name}`);
      }
      expect(tf.memory().numTensors).toBe(tensors);
    },
  );
});

it('refuses to train a model in eval mode', async () => {
  const one = rig();
  one.model.training = false;
  const error = await caught(() => one.runner.run(at(3)));
  expect(error.message).toMatch(
    /^\[HKL_EVAL_MODE\] model "linear": the model was changed to eval mode \(iteration 3\)\./,
  );
  expect(one.source.state().batches).toBe(0);
});

it.each([0, -1, 1.5, Number.NaN])('refuses checkFinite %p', (checkFinite) => {
  expect(() => rig({ checkFinite })).toThrow('HKL_STEP_OPTION');
});

it.each<[string, unknown, string]>([
  ['no scalar', () => tf.zeros([2]), 'a float32 tensor of shape [2]'],
  ['a number', () => 3, 'the losses are 3'],
  ['a promise', () => Promise.resolve(), 'the losses are a promise'],
  ['nothing', () => ({}), 'there is no loss to minimise'],
  ['an integer', () => ({ loss: tf.scalar(1, 'int32') }), 'the loss "loss" is a int32 tensor'],
  ['a constant', () => tf.scalar(1), 'the losses depend on none of the trainable variables'],
])('names the model when its loss is %s', async (_, losses, message) => {
  const model = functionModel({
    name: 'odd',
    variables: { w: tf.variable(tf.scalar(1)) },
    losses: losses as () => tf.Scalar,
  });
  const error = await caught(() => rig({ model }).runner.run(at(0)));
  expect(error.message).toContain('model "odd"');
  expect(error.message).toContain(message);
});

it.each([
  ['an unknown name', { v: [0] }, 'there is no trainable variable "v"'],
  ['another shape', { bias: [1, 2] }, 'the gradient of "bias" is of shape [2]'],
])('refuses gradients of a tap with %s', async (_, gradients, message) => {
  const tap = (hooks: EngineHookSet): void =>
    hooks.byName.gradients
      .facade('p')
      .tap(() => Object.fromEntries(Object.entries(gradients).map(([k, v]) => [k, tf.tensor(v)])));
  expect((await caught(() => rig({ tap }).runner.run(at(0)))).message).toContain(message);
});

it('takes batches from an asynchronous source', async () => {
  async function* batches(): AsyncGenerator {
    for (const batch of linearBatches()) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      yield batch;
    }
  }
  const one = rig({ data: batches });
  const { dataTime } = await one.runner.run(at(0));
  expect(dataTime).toBeGreaterThan(0.0005);
  expect(await one.steps(1, 5)).toEqual((await rig().steps(0, 5)).slice(1));
});

function twoLosses(a: number, b: number): TrainableModel {
  const w = tf.variable(tf.scalar(1));
  return functionModel({
    variables: { w },
    losses: () => ({ loss_a: w.mul(a).asScalar(), loss_b: w.mul(b).asScalar() }),
  });
}

function linearModelWith(factor: number): TrainableModel {
  const model = linearModel();
  const { losses } = model;
  model.losses = (batch) => (losses(batch) as tf.Scalar).mul(factor);
  return model;
}

it('refuses a model that returns total_loss besides its summands, which would count twice', async () => {
  const w = tf.variable(tf.scalar(2));
  const losses = () => ({ a: w.square() as tf.Scalar, total_loss: w.square() as tf.Scalar });
  const { steps } = rig({ model: functionModel({ variables: { w }, losses }) });
  await expect(steps(0, 1)).rejects.toThrow(/\[HKL_LOSS_NAME\] model "model": it gives the loss "total_loss" beside a/);
  expect(w.dataSync()[0]).toBe(2);
});
