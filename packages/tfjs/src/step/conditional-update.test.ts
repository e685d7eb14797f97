import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { adam, adamW } from '../optim/adam.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { sgd } from '../optim/sgd.ts';
import { tfjsOptimizer } from '../optim/tfjs-optimizer.ts';
import { at, bitsOf, rig, type Rig, type RigOptions } from './step-fixture.test.support.ts';
import { RunnerScope } from '../scope/runner-scope.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const OPTIMIZERS: Readonly<Record<string, (model: TrainableModel) => Optimizer>> = {
  sgd: (model) => sgd(model, { learningRate: 0.05 }),
  nesterov: (model) => sgd(model, { learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adam: (model) => adam(model, { learningRate: 0.01 }),
  adamW: (model) => adamW(model, { learningRate: 0.01 }),
  ...Object.fromEntries(
    (['sgd', 'adagrad', 'adadelta', 'adam', 'adamax', 'rmsprop'] as const).map((name) => [
      `tf.train.${name}`,
      (model: TrainableModel) => tfjsOptimizer(model, tf.train[name](0.01)),
    ]),
  ),
};

/** A model with moving statistics, which the forward pass changes. */
function net(): TrainableModel {
  const kernelInitializer = tf.initializers.heNormal({ seed: 3 });
  const layers = tf.sequential({
    layers: [
      tf.layers.dense({ units: 4, inputShape: [3], kernelInitializer }),
      tf.layers.batchNormalization(),
      tf.layers.dense({ units: 1, kernelInitializer }),
    ],
  });
  return layersModel(layers, { loss: (out, { y }) => tf.losses.meanSquaredError(y, out) });
}

/** Suppresses the updates of some iterations, and counts before and after the update. */
function skipping(isSkipped: (iteration: number) => boolean, options: RigOptions = {}) {
  let iteration = 0;
  const one = rig({
    model: net(),
    ...options,
    tap: (hooks, scope) => {
      const skip = scope.input('skip', () => (isSkipped(iteration) ? 1 : 0));
      const seen = scope.variable('seen', () => tf.scalar(0));
      const average = scope.variable('average', () => tf.zeros([1]));
      const done = scope.variable('done', () => tf.scalar(0));
      hooks.byName.gradients.facade('p').tap((gradients) => {
        seen.assign(seen.add(1));
        scope.updateIf(skip.tensor().equal(0).asScalar());
        return gradients;
      });
      hooks.byName.afterUpdate.facade('p').tap((variables) => {
        // Assign twice; the last assignment counts.
        done.assign(tf.scalar(-1));
        const [weight] = Object.values(variables) as [tf.Variable];
        average.assign(average.mul(0.5).add(weight.flatten().slice(0, 1)));
        done.assign(seen);
      });
      options.tap?.(hooks, scope);
    },
  });
  return {
    one,
    run: async (i: number) => {
      iteration = i;
      return one.runner.run(at(i));
    },
  };
}

/** The bits of the variables that the update changes, and of those that change before it. */
async function parts(one: Rig) {
  const all = Object.entries(await bitsOf(one));
  const isEarly = (name: string) => name.includes('moving_') || name === 'scope/seen';
  return {
    early: Object.fromEntries(all.filter(([name]) => isEarly(name))),
    late: Object.fromEntries(all.filter(([name]) => !isEarly(name))),
  };
}

describe.each(Object.entries(OPTIMIZERS))('an update by %s whose condition is false', (_, optimizer) => {
  it('changes no weight, no slot and no average; earlier changes remain', async () => {
    const { one, run } = skipping((i) => i % 3 === 2, { optimizer });
    for (let i = 0; i < 9; i++) {
      const before = await parts(one);
      await run(i);
      const after = await parts(one);
      if (i % 3 === 2) expect(after.late).toEqual(before.late);
      else {
        for (const name of ['scope/average', 'scope/done', ...one.model.trainable().keys()]) {
          const key = name.startsWith('scope/') ? name : `model/${name}`;
          // Batch norm cancels the bias of the layer before it, whose gradient is 0 except for rounding.
          if (!key.endsWith('dense_1/bias'))
            expect({ key, is: after.late[key] }).not.toEqual({ key, is: before.late[key] });
        }
      }
      expect(after.early['scope/seen']).not.toEqual(before.early['scope/seen']);
      expect(Object.values(after.early)).not.toEqual(Object.values(before.early));
    }
  });

  it('leaves the other steps bit-identical to those without a condition', async () => {
    const { one, run } = skipping(() => false, { optimizer });
    const plain = rig({ model: net(), optimizer });
    for (let i = 0; i < 5; i++) await run(i);
    await plain.steps(0, 5);
    // tfjs keeps counting in the names of layers.
    const bitsIn = async (each: Rig) =>
      Object.entries(await bitsOf(each)).flatMap(([name, bits]) => (name.startsWith('scope/') ? [] : [bits]));
    expect(await bitsIn(one)).toEqual(await bitsIn(plain));
  });
});

it('also works when the runner yields between the halves of a step', async () => {
  const { one, run } = skipping((i) => i === 1, { readAsync: true });
  await run(0);
  const before = await parts(one);
  await run(1);
  expect((await parts(one)).late).toEqual(before.late);
  await run(2);
  expect((await parts(one)).late).not.toEqual(before.late);
});

it('needs every condition of a step to be true', async () => {
  for (const [first, second] of [
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const { one, run } = skipping(() => !first, {
      tap: (hooks, scope) =>
        hooks.byName.gradients.facade('q').tap((gradients) => {
          scope.updateIf(tf.scalar(second, 'bool'));
          return gradients;
        }),
    });
    const before = await parts(one);
    await run(0);
    if (first && second) expect((await parts(one)).late).not.toEqual(before.late);
    else expect((await parts(one)).late).toEqual(before.late);
  }
});

it('undoes what a tap of update does in place of the optimizer, or while it defers the update', async () => {
  for (const outcome of [true, false]) {
    const { one, run } = skipping((i) => i === 0, {
      tap: (hooks, scope) => {
        const own = scope.variable('own', () => tf.scalar(0));
        hooks.byName.update.facade('q').tap(() => {
          own.assign(own.add(1));
          return outcome;
        });
      },
    });
    const before = await parts(one);
    await run(0);
    expect((await parts(one)).late).toEqual(before.late);
    await run(1);
    expect((await parts(one)).late['scope/own']).not.toEqual(before.late['scope/own']);
  }
});

it('covers variables that the update itself makes', async () => {
  let slot: tf.Variable | undefined;
  const { run } = skipping((i) => i === 0, {
    tap: (hooks) =>
      hooks.byName.update.facade('q').tap(() => {
        slot ??= tf.variable(tf.scalar(5), false);
        slot.assign(slot.mul(Number.NaN));
        return true;
      }),
  });
  await run(0);
  expect([...(slot?.dataSync() ?? [])]).toEqual([5]);
  await run(1);
  expect([...(slot?.dataSync() ?? [])]).toEqual([Number.NaN]);
});

it('leaves no tensor behind, even when a tap fails after the condition was given', async () => {
  const { run } = skipping((i) => i % 2 === 0, {
    tap: (hooks) =>
      hooks.byName.gradients.facade('q').tap((gradients) => {
        if (fails) throw new Error('on purpose');
        return gradients;
      }),
  });
  let fails = false;
  await run(0);
  const { numTensors } = tf.memory();
  for (let i = 1; i < 20; i++) {
    fails = i % 3 === 0;
    if (fails) await expect(run(i)).rejects.toThrow('on purpose');
    else await run(i);
  }
  fails = false;
  await run(20);
  expect(tf.memory().numTensors).toBe(numTensors);
});

describe.each([false, true])('a step for which the host says that there is no update, readAsync %s', (readAsync) => {
  const made = () => {
    const seen: string[] = [];
    const one = rig({
      model: net(),
      readAsync,
      tap: (hooks, scope) => {
        let count = 0;
        const isUpdate = scope.variant('update', () => count % 3 === 2);
        const sum = scope.variable('sum', () => tf.scalar(0));
        hooks.byName.batch.facade('first').tap(() => void count++);
        hooks.byName.gradients.facade('condition').tap(() => scope.updateIf(tf.scalar(true, 'bool')));
        hooks.byName.gradients.facade('sums').tap(() => {
          sum.assign(sum.add(1));
          if (!isUpdate.value) scope.updateIf(false);
          // No later call revokes it.
          scope.updateIf(true);
        });
        for (const name of ['gradients', 'update', 'afterUpdate'] as const)
          hooks.byName[name].facade('later').tap(() => void seen.push(name));
      },
    });
    return { one, seen };
  };

  it('calls no later tap, and keeps only the earlier changes', async () => {
    const { one, seen } = made();
    let before = await parts(one);
    for (let i = 0; i < 6; i++) {
      await one.runner.run(at(i));
      const after = await parts(one);
      const changed = Object.keys(after.late).filter((name) => String(after.late[name]) !== String(before.late[name]));
      expect(changed.filter((name) => name.startsWith('model/')).length > 0).toBe(i % 3 === 2);
      expect(after.late['scope/sum']).not.toEqual(before.late['scope/sum']);
      expect(after.early).not.toEqual(before.early);
      before = after;
    }
    expect(seen).toEqual(['gradients', 'update', 'afterUpdate', 'gradients', 'update', 'afterUpdate']);
  });

  it('leaves no tensor behind', async () => {
    const { one } = made();
    for (let i = 0; i < 3; i++) await one.runner.run(at(i));
    const { numTensors } = tf.memory();
    for (let i = 3; i < 11; i++) {
      await one.runner.run(at(i));
      expect(tf.memory().numTensors).toBe(numTensors);
    }
  });
});

describe('a condition', () => {
  it('is valid only inside a step', () => {
    expect(() => new RunnerScope().updateIf(tf.scalar(true, 'bool'))).toThrow('HKL_OUTSIDE_STEP');
  });

  it.each([
    ['several booleans', () => tf.tensor1d([true, false], 'bool'), 'a bool tensor of shape [2]'],
    ['a number', () => tf.scalar(1), 'a float32 tensor of shape []'],
  ])('is refused when it is %s', async (_, make, found) => {
    const one = rig({
      tap: (hooks, scope) =>
        hooks.byName.gradients.facade('p').tap((gradients) => {
          scope.updateIf(make() as tf.Scalar);
          return gradients;
        }),
    });
    await expect(async () => one.runner.run(at(0))).rejects.toThrow(
      `[HKL_UPDATE_CONDITION] the condition of the update is ${found}`,
    );
  });

  it.each(['update', 'afterUpdate'] as const)('comes too late in %s', async (name) => {
    const one = rig({
      tap: (hooks, scope) =>
        hooks.byName[name].facade('p').tap(() => {
          scope.updateIf(tf.scalar(true, 'bool'));
        }),
    });
    await expect(async () => one.runner.run(at(0))).rejects.toThrow('HKL_UPDATE_BEGUN');
  });
});
