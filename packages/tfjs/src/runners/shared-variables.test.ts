import { HOOK_TABLE, HookSet, HookSite, type StepContext } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { adamW } from '../optim/adam.ts';
import { sgd } from '../optim/sgd.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner } from './captured-runner.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

type Kind = 'eager' | 'captured';
type Batch = { x: tf.Tensor2D };
type Optimizer = typeof sgd | typeof adamW;
type Runner = EagerStepRunner | CapturedStepRunner;

const at = (iteration: number): StepContext => ({ iteration, startIteration: 0, maxIterations: 1e6 });
const batches = Array.from({ length: 4 }, (_, i) => ({
  x: { data: Float32Array.from({ length: 12 }, (__, k) => Math.sin(i * 31 + k * 7)), shape: [4, 3] },
}));
const matrix = (rows: number, columns: number, phase: number): tf.Variable<tf.Rank.R2> =>
  tf.variable(
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, k) => 0.5 * Math.cos(k * 3 + phase)),
      [rows, columns],
    ),
  );

/** A trainer of `variables`, whose losses may also use other variables. */
function trainer(
  kind: Kind,
  variables: Record<string, tf.Variable>,
  losses: (batch: Batch) => tf.Scalar,
  optimizer: Optimizer = sgd,
): Runner {
  const model = functionModel<Batch>({ variables, losses });
  const step = new TrainStep({
    model,
    optimizer: optimizer(model, { learningRate: 0.05 }),
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope({ random: 3 }),
  });
  const source = new BatchSource(batches as never, { repeat: true });
  return kind === 'eager'
    ? new EagerStepRunner({ step, source })
    : new CapturedStepRunner({ step, source, capture: 'required' });
}

const step = async (runner: Runner, iteration: number): Promise<number> =>
  (await runner.run(at(iteration))).losses['total_loss'] as number;

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const wanted = expected[i] as number;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
  });
}

/** A generator and a discriminator, each trained by its own trainer on a loss that uses both. */
function adversaries(kind: Kind) {
  const g = matrix(3, 3, 0);
  const d = matrix(3, 1, 1);
  const score = (x: tf.Tensor2D) => x.matMul<tf.Tensor2D>(d).tanh();
  const fake = ({ x }: Batch) => x.matMul<tf.Tensor2D>(g).sigmoid() as tf.Tensor2D;
  const generator = trainer(kind, { g }, (batch) => score(fake(batch)).neg().mean(), adamW);
  const discriminator = trainer(
    kind,
    { d },
    (batch) => score(fake(batch)).mean().sub(score(batch.x).mean()) as tf.Scalar,
    adamW,
  );
  return { g, d, generator, discriminator };
}

async function train({ g, d, generator, discriminator }: ReturnType<typeof adversaries>, steps: number) {
  const numbers: number[] = [];
  for (let i = 0; i < steps; i++) {
    numbers.push(await step(discriminator, 2 * i), await step(discriminator, 2 * i + 1), await step(generator, i));
    // The host reads the values between steps.
    if (i % 5 === 2) numbers.push(...g.dataSync(), ...d.dataSync());
  }
  return [...numbers, ...g.dataSync(), ...d.dataSync()];
}

describe('variables of several captured trainers', () => {
  it('are read by each with the values that the other wrote last', async () => {
    const eager = adversaries('eager');
    const expected = await train(eager, 20);
    tf.disposeVariables();
    const captured = adversaries('captured');
    expectClose(await train(captured, 20), expected);
    await captured.generator.close();
    await captured.discriminator.close();
  });

  it('may be written by both and by the host between steps, and copied to a target network', async () => {
    const run = async (kind: Kind) => {
      const w = matrix(3, 2, 0);
      const target = matrix(3, 2, 0);
      const distance = ({ x }: Batch) => x.matMul(w).sub(x.matMul(target).tanh().add(0.1));
      const one = trainer(kind, { w }, (batch) => distance(batch).square().mean());
      const other = trainer(kind, { w, target }, (batch) => distance(batch).square().square().mean(), adamW);
      const numbers: number[] = [];
      for (let i = 0; i < 12; i++) {
        numbers.push(await step(one, i), await step(other, i), await step(other, i));
        if (i % 3 === 1) target.assign(w as tf.Tensor2D);
        if (i === 7) tf.tidy(() => w.assign(w.mul(0.9)));
      }
      numbers.push(...w.dataSync(), ...target.dataSync());
      await one.close();
      await other.close();
      tf.disposeVariables();
      return numbers;
    };
    expectClose(await run('captured'), await run('eager'));
  });

  it('keep their latest value when one trainer closes, and belong to tfjs after both have closed', async () => {
    for (const first of ['generator', 'discriminator'] as const) {
      const second = first === 'generator' ? 'discriminator' : 'generator';
      const run = async (kind: Kind) => {
        const made = adversaries(kind);
        await train(made, 4);
        await step(made.generator, 4);
        await step(made.discriminator, 8);
        await made[first].close();
        const numbers: number[] = [];
        for (let i = 5; i < 10; i++) numbers.push(await step(made[second], i));
        await made[second].close();
        numbers.push(...made.g.dataSync(), ...made.d.dataSync());
        tf.tidy(() => made.g.assign(made.g.mul(2)));
        numbers.push(...made.g.dataSync());
        tf.disposeVariables();
        return numbers;
      };
      expectClose(await run('captured'), await run('eager'));
    }
  });

  it('leak no tensor when they are disposed of before the trainers close', async () => {
    const left = async (kind: Kind) => {
      const before = tf.memory().numTensors;
      const made = adversaries(kind);
      await train(made, 4);
      made.g.dispose();
      tf.disposeVariables();
      await made.generator.close();
      await made.discriminator.close();
      return tf.memory().numTensors - before;
    };
    expect(await left('captured')).toBe(await left('eager'));
  });

  it('may exchange their data, as plugins that swap averaged weights do, and every session sees it', async () => {
    const swap = (a: tf.Variable, b: tf.Variable) => {
      const [first, second] = [a.clone(), b.clone()];
      a.assign(second);
      b.assign(first);
      tf.dispose([first, second]);
    };
    const run = async (kind: Kind) => {
      const w = matrix(3, 2, 0);
      const average = matrix(3, 2, 1);
      const loss = ({ x }: Batch) => x.matMul(w).sub(x.matMul(average).tanh()).square().mean() as tf.Scalar;
      const one = trainer(kind, { w, average }, loss);
      const other = trainer(kind, { w, average }, (batch) => loss(batch).square(), adamW);
      const numbers: number[] = [];
      for (let i = 0; i < 8; i++) {
        numbers.push(await step(one, i), await step(other, i));
        swap(w, average);
        numbers.push(await step(i % 2 === 0 ? other : one, i));
        if (i % 3 === 0) swap(w, average);
        if (i % 3 === 1) numbers.push(...w.dataSync());
      }
      numbers.push(...w.dataSync(), ...average.dataSync());
      await one.close();
      await other.close();
      tf.disposeVariables();
      return numbers;
    };
    expectClose(await run('captured'), await run('eager'));
  });
});
