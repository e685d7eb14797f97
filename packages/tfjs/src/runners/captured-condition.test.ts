import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { adam, adamW } from '../optim/adam.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { sgd } from '../optim/sgd.ts';
import { tfjsOptimizer } from '../optim/tfjs-optimizer.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner } from './captured-runner.ts';
import { countOps } from '../graph/graph-edit.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };
const data = Array.from({ length: 5 }, (_, i) => ({
  x: { data: Float32Array.from({ length: 12 }, (__, k) => Math.sin(i * 31 + k * 7)), shape: [4, 3] },
  y: { data: Float32Array.from({ length: 4 }, (__, k) => Math.cos(i * 17 + k)), shape: [4, 1] },
}));

const OPTIMIZERS: Readonly<Record<string, readonly [(model: TrainableModel) => Optimizer, fused: string | undefined]>> =
  {
    sgd: [(model) => sgd(model, { learningRate: 0.05 }), 'ResourceApplyGradientDescent'],
    momentum: [(model) => sgd(model, { learningRate: 0.02, momentum: 0.9 }), 'ResourceApplyMomentum'],
    nesterov: [
      (model) => sgd(model, { learningRate: 0.02, momentum: 0.9, nesterov: true, weightDecay: 1e-3 }),
      'ResourceApplyMomentum',
    ],
    adam: [(model) => adam(model, { learningRate: 0.01 }), 'ResourceApplyAdam'],
    adamW: [(model) => adamW(model, { learningRate: 0.01 }), 'ResourceApplyAdam'],
    'tf.train.rmsprop': [(model) => tfjsOptimizer(model, tf.train.rmsprop(0.01)), undefined],
  };

interface Made {
  /** Iterations whose update is skipped. */
  readonly isSkipped?: (iteration: number) => boolean;
  /** Whether there is a condition at all. */
  readonly hasCondition?: boolean;
  readonly batches?: readonly unknown[];
}

/** A model that counts its forward passes, and an average of its weights that follows the update. */
function build(
  optimize: (model: TrainableModel) => Optimizer,
  { isSkipped = () => false, hasCondition = true, batches = data }: Made,
) {
  const w1 = tf.variable(tf.tensor2d([0.1, -0.2, 0.3, 0.4, -0.5, 0.6], [3, 2]));
  const w2 = tf.variable(tf.tensor2d([0.7, -0.3], [2, 1]));
  const seen = tf.variable(tf.scalar(0), false);
  const model = functionModel<Batch>({
    variables: { w1, w2, seen },
    losses: ({ x, y }) => {
      seen.assign(seen.add(1));
      return tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, x.matMul(w1).relu().matMul(w2));
    },
  });
  const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
  const scope = new RunnerScope({ random: 7 });
  const host = { iteration: 0 };
  const skip = scope.input('skip', () => (isSkipped(host.iteration) ? 1 : 0));
  const average = scope.variable('average', () => w1.clone());
  const updates = scope.variable('updates', () => tf.scalar(0));
  if (hasCondition) {
    hooks.gradients.facade('p').tap((gradients) => {
      scope.updateIf(skip.tensor().equal(0).asScalar());
      return gradients;
    });
  }
  hooks.afterUpdate.facade('p').tap(() => {
    average.assign(average.mul(0.9).add(w1.mul(0.1)));
    updates.assign(updates.add(1));
    scope.metric('weight', w1.square().sum().asScalar());
  });
  const step = new TrainStep({ model, optimizer: optimize(model), hooks, scope });
  return { step, source: new BatchSource(batches as never, { repeat: true }), host };
}

async function train(
  kind: 'eager' | 'recorded' | 'captured',
  optimize: (model: TrainableModel) => Optimizer,
  options: Made = {},
  steps = 60,
) {
  const { step, source, host } = build(optimize, options);
  const runner =
    kind === 'eager'
      ? new EagerStepRunner({ step, source })
      : new CapturedStepRunner({ step, source, capture: 'required', optimize: kind === 'captured' });
  const scalars: number[] = [];
  for (let iteration = 0; iteration < steps; iteration++) {
    host.iteration = iteration;
    const { losses, metrics } = await runner.run({ iteration, startIteration: 0, maxIterations: steps });
    const weight = metrics?.['weight'];
    scalars.push(losses['total_loss'] as number, (typeof weight === 'object' ? await weight.read() : weight) ?? NaN);
  }
  const ops = runner instanceof CapturedStepRunner ? countOps(runner.recorded[0]!.record) : new Map<string, number>();
  await runner.close();
  const values = Object.fromEntries([...step.variables()].map(([name, variable]) => [name, [...variable.dataSync()]]));
  tf.disposeVariables();
  return { scalars, values, ops };
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const wanted = expected[i] as number;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
  });
}

const isSkipped = (iteration: number) => iteration % 7 === 3 || iteration === 4 || iteration === 0;

describe.each(Object.entries(OPTIMIZERS))('a conditional update by %s', (_, [optimize, fused]) => {
  it('gives the same numbers captured and eagerly', async () => {
    const eager = await train('eager', optimize, { isSkipped });
    const updates = [...Array(60).keys()].filter((iteration) => !isSkipped(iteration)).length;
    expect(updates).toBeLessThan(52);
    expect(eager.values['scope/updates']).toEqual([updates]);
    expect(eager.values['model/seen']).toEqual([60]);
    for (const kind of ['recorded', 'captured'] as const) {
      const { scalars, values } = await train(kind, optimize, { isSkipped });
      expectClose(scalars, eager.scalars);
      for (const [name, wanted] of Object.entries(eager.values)) expectClose(values[name] ?? [], wanted);
    }
  });

  it('uses the same op as an unconditional update, and gives the same bits', async () => {
    const plain = await train('captured', optimize, { hasCondition: false });
    const conditional = await train('captured', optimize, {});
    expect(conditional.scalars).toEqual(plain.scalars);
    expect(conditional.values).toEqual(plain.values);
    // The only Select belongs to the finiteness check and selects between two scalars; no variable goes through a Select.
    expect(conditional.ops.get('Select')).toBe(1);
    // One Switch is for the condition together with the finiteness check, the other for the check alone.
    expect(conditional.ops.get('Switch')).toBe(2);
    if (fused !== undefined) {
      expect(conditional.ops.get(fused)).toBe(2);
      expect(plain.ops.get(fused)).toBe(2);
    }
  });
});

it('accumulates gradients, skips updates and draws noise captured as it does eagerly', async () => {
  const train = async (capture: boolean) => {
    const w = tf.variable(tf.tensor2d([0.1, -0.2, 0.3], [3, 1]));
    const model = functionModel<Batch>({
      variables: { w },
      losses: ({ x, y }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, x.matMul(w)),
    });
    const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
    const scope = new RunnerScope({ random: 7 });
    let iteration = 0;
    const isUpdate = scope.variant('update', () => iteration % 2 === 1);
    const skip = scope.input('skip', () => (iteration % 4 === 3 ? 1 : 0));
    const sum = scope.variable('sum', () => tf.zeros([3, 1]));
    const noise = scope.random('noise');
    hooks.gradients.facade('sums').tap((gradients) => {
      const total = sum.add(gradients['w'] as tf.Tensor);
      sum.assign(isUpdate.value ? tf.zeros([3, 1]) : total);
      if (!isUpdate.value) scope.updateIf(false);
      return { w: total };
    });
    hooks.gradients.facade('skips').tap(() => scope.updateIf(skip.tensor().equal(0).asScalar()));
    hooks.gradients.facade('noise').tap(({ w: g }) => ({ w: tf.add(g as tf.Tensor, noise.normal([3, 1], 0, 0.1)) }));
    const step = new TrainStep({ model, optimizer: adam(model, { learningRate: 0.01 }), hooks, scope });
    const source = new BatchSource(data, { repeat: true });
    const runner = capture
      ? new CapturedStepRunner({ step, source, capture: 'required' })
      : new EagerStepRunner({ step, source });
    const weights: number[][] = [];
    for (; iteration < 24; iteration++) {
      await runner.run({ iteration, startIteration: 0, maxIterations: 24 });
      weights.push([...w.dataSync()]);
    }
    await runner.close();
    return weights;
  };
  const [eager, captured] = [await train(false), await train(true)];
  captured.forEach((weights, iteration) => {
    expectClose(weights, eager[iteration] ?? []);
    if (iteration > 0) expect(String(weights) !== String(captured[iteration - 1])).toBe(iteration % 4 === 1);
  });
});

it('changes nothing when the loss is not finite, whatever the condition', async () => {
  const nan = { x: { data: new Float32Array(12).fill(NaN), shape: [4, 3] }, y: data[0]?.y };
  const { step, source, host } = build((model) => adam(model, { learningRate: 0.01 }), {
    isSkipped: (iteration) => iteration === 1,
    batches: [data[0], nan, data[1]],
  });
  const runner = new CapturedStepRunner({ step, source, capture: 'required' });
  const values = () => [...step.variables().values()].map((variable) => [...variable.dataSync()]);
  const at = (iteration: number) => {
    host.iteration = iteration;
    return { iteration, startIteration: 0, maxIterations: 9 };
  };
  await runner.run(at(0));
  for (const iteration of [1, 4]) {
    const before = values();
    await expect(async () => runner.run(at(iteration))).rejects.toThrow('HKL_LOSS_NOT_FINITE');
    expect(values()).toEqual(before);
    await runner.run(at(iteration + 1));
    expect(values()).not.toEqual(before);
    await runner.run(at(iteration + 2));
  }
  await runner.close();
});

it('leaks no tensor', async () => {
  const { step, source, host } = build((model) => sgd(model, { learningRate: 0.01, momentum: 0.9 }), { isSkipped });
  const runner = new CapturedStepRunner({ step, source, capture: 'required' });
  const run = (from: number, to: number) => {
    for (let iteration = from; iteration < to; iteration++) {
      host.iteration = iteration;
      void runner.run({ iteration, startIteration: 0, maxIterations: 1000 });
    }
  };
  run(0, 20);
  const { numTensors } = tf.memory();
  run(20, 320);
  expect(tf.memory().numTensors).toBe(numTensors);
  await runner.close();
});
