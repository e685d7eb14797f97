import { HOOK_TABLE, HookSet, HookSite, type StepContext } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { sgd } from '../optim/sgd.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner, type CapturedRunnerOptions } from './captured-runner.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const at = (iteration: number): StepContext => ({ iteration, startIteration: 0, maxIterations: 1e6 });
const data = Array.from({ length: 5 }, (_, i) => ({
  x: { data: Float32Array.from({ length: 12 }, (__, k) => Math.sin(i * 31 + k * 7)), shape: [4, 3] },
  y: { data: Float32Array.from({ length: 4 }, (__, k) => Math.cos(i * 17 + k)), shape: [4, 1] },
}));
type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };
type Hooks = ReturnType<HookSet<typeof HOOK_TABLE>['facades']>;

function build(taps: (hooks: Hooks, scope: RunnerScope) => void = () => undefined, batches: unknown = data) {
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
  const site = new HookSite();
  const hooks = new HookSet('engine', HOOK_TABLE, site);
  const scope = new RunnerScope({ random: 7 });
  taps(hooks.facades('test-plugin'), scope);
  const optimizer = sgd(model, { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-3 });
  const step = new TrainStep({ model, optimizer, hooks: hooks.byName, scope });
  const source = new BatchSource(batches as never, { repeat: true });
  return { step, source, optimizer, site, w1, w2, seen, taps: { observe: site.observe.bind(site) } };
}

async function train(
  kind: 'eager' | 'captured',
  steps: number,
  made = build(),
  options: Partial<CapturedRunnerOptions> = {},
  onStep?: (iteration: number) => void,
) {
  const { step, source, taps, w1, w2, seen } = made;
  const runner =
    kind === 'eager'
      ? new EagerStepRunner({ step, source })
      : new CapturedStepRunner({ step, source, taps, capture: 'required', ...options });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    onStep?.(i);
    losses.push((await runner.run(at(i))).losses['total_loss'] as number);
  }
  await runner.close?.();
  return { losses, weights: [w1, w2, seen].map((variable) => [...variable.dataSync()]) };
}

type Trained = Awaited<ReturnType<typeof train>>;

/** Expects the same numbers up to the rounding of single steps. */
function expectClose(actual: Trained, expected: Trained, tolerance = 1e-6): void {
  const flatten = ({ losses, weights }: Trained) => [...losses, ...weights.flat()];
  const wanted = flatten(expected);
  flatten(actual).forEach((value, i) => {
    const reference = wanted[i] as number;
    expect(Math.abs(value - reference)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(reference)));
  });
}

describe('captured steps', () => {
  it('equal eager ones to the bit where the ops are the same', async () => {
    const eager = await train('eager', 200);
    expect(await train('captured', 200, build(), { optimize: false })).toEqual(eager);
    expect(eager.weights[2]).toEqual([200]);
  });

  it('equal eager ones within rounding where passes optimize the graph', async () => {
    expectClose(await train('captured', 200), await train('eager', 200));
  });

  it('use inputs, variants and random tensors of the scope', async () => {
    const host = { iteration: 0 };
    const taps = (hooks: Hooks, scope: RunnerScope) => {
      const scale = scope.input('scale', () => 1 + host.iteration * 1e-2);
      const isOdd = scope.variant('odd', () => host.iteration % 2 === 1);
      const count = scope.variable('count', tf.scalar(0));
      const noise = scope.random('noise');
      hooks.gradients.tap((gradients) => {
        count.assign(count.add(1));
        const change = (gradient: tf.Tensor) =>
          isOdd.value ? gradient.mul(scale.tensor()) : gradient.add(noise.normal(gradient.shape, 0, 1e-2)).div(count);
        return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, change(gradient)]));
      });
    };
    const onStep = (iteration: number) => (host.iteration = iteration);
    const eager = await train('eager', 30, build(taps), {}, onStep);
    expectClose(await train('captured', 30, build(taps), {}, onStep), eager);
    expect(new Set(eager.losses).size).toBe(30);
  });

  it('follow a learning rate that the host changes', async () => {
    const run = (kind: 'eager' | 'captured') => {
      const made = build();
      return train(kind, 30, made, {}, (iteration) => (made.optimizer.learningRate = 0.1 / (1 + iteration)));
    };
    expectClose(await run('captured'), await run('eager'));
  });

  it('refuse a frozen host value, and name the plugin and the hook', async () => {
    let count = 0;
    const drifting = (hooks: Hooks) => {
      hooks.gradients.tap((gradients) =>
        Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, gradient.mul(1 + count)])),
      );
    };
    const made = build(drifting);
    const runner = new CapturedStepRunner({ ...made, capture: 'required' });
    await runner.run(at(0));
    count = 1;
    await expect(async () => runner.run(at(1))).rejects.toThrow(
      '[HKL_CAPTURE_HOST_VALUE] test-plugin: a number (1, then 2)',
    );
    await expect(async () => runner.run(at(2))).rejects.toThrow('hook gradients');
    await runner.close();
  });

  it('refuse a read inside a tap, or run eagerly with a line that says so', async () => {
    const reading = (hooks: Hooks) => {
      hooks.gradients.tap((gradients) => {
        (gradients['w1'] as tf.Tensor).dataSync();
        return gradients;
      });
    };
    await expect(async () =>
      new CapturedStepRunner({ ...build(reading), capture: 'required' }).run(at(0)),
    ).rejects.toThrow('HKL_CAPTURE_READ');
    tf.disposeVariables();
    const lines: string[] = [];
    const eager = await train('eager', 5, build(reading));
    const fallen = await train('captured', 5, build(reading), { capture: 'auto', log: (line) => lines.push(line) });
    expect(fallen).toEqual(eager);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('test-plugin');
    expect(lines[0]).toContain('hook gradients');
  });

  it('let a tap make its own variable at its first call', async () => {
    const counting = (hooks: Hooks) => {
      let count: tf.Variable | undefined;
      hooks.gradients.tap((gradients) => {
        count ??= tf.variable(tf.scalar(1), false);
        const divisor = count.mul(1);
        count.assign(count.add(1));
        return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, gradient.div(divisor)]));
      });
    };
    expectClose(await train('captured', 30, build(counting)), await train('eager', 30, build(counting)));
  });

  it('refuse a tensor that a tap keeps from one step for the next', async () => {
    const keeping = (hooks: Hooks) => {
      let before: tf.Tensor | undefined;
      hooks.gradients.tap((gradients) => {
        const { w1 } = gradients as { w1: tf.Tensor };
        const changed = before === undefined ? w1 : w1.add(before);
        before = tf.keep(w1.clone());
        return { ...gradients, w1: changed };
      });
    };
    const runner = new CapturedStepRunner({ ...build(keeping), capture: 'required' });
    await expect(async () => runner.run(at(0))).rejects.toThrow(/test-plugin: .*hook gradients/s);
    await runner.close();
  });

  it('run again after the runner was closed, as in a second training', async () => {
    const made = build();
    const runner = new CapturedStepRunner({ ...made, capture: 'required' });
    await runner.run(at(0));
    await runner.close();
    await runner.run(at(1));
    expect(runner.status.isCaptured).toBe(true);
    expect(made.seen.dataSync()[0]).toBe(2);
    await runner.close();
  });

  it('change nothing when the loss is not finite, and name the loss', async () => {
    const bad = [data[0], data[1], { x: { data: new Float32Array(12).fill(NaN), shape: [4, 3] }, y: data[0]?.y }];
    const made = build(undefined, bad);
    const runner = new CapturedStepRunner({ ...made, capture: 'required' });
    await runner.run(at(0));
    await runner.run(at(1));
    const before = [made.w1, made.w2, made.seen].map((variable) => [...variable.dataSync()]);
    await expect(async () => runner.run(at(2))).rejects.toThrow('HKL_LOSS_NOT_FINITE');
    expect([made.w1, made.w2, made.seen].map((variable) => [...variable.dataSync()])).toEqual(before);
    await runner.run(at(3));
    expect(made.seen.dataSync()[0]).toBe(3);
    await runner.close();
  });

  it('free the batch when the loss is not finite', async () => {
    const megabyte = 2 ** 18;
    const bad = Array.from({ length: 2 }, () => ({
      x: { data: new Float32Array(megabyte * 3).fill(NaN), shape: [megabyte, 3] },
      y: { data: new Float32Array(megabyte), shape: [megabyte, 1] },
    }));
    const made = build(undefined, bad);
    const runner = new CapturedStepRunner({ ...made, capture: 'required' });
    const refused = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++)
        await expect(async () => runner.run(at(i))).rejects.toThrow('HKL_LOSS_NOT_FINITE');
    };
    await refused(0, 20);
    const before = process.memoryUsage.rss();
    await refused(20, 80);
    // A batch takes 4 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(120 * 2 ** 20);
    await runner.close();
  });

  it('are refused in float16 without loss scaling, before a batch is taken', async () => {
    const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean };
    // TensorFlow also runs float16 on a CPU, only slowly, so the test can pretend to have a GPU.
    backend.isUsingGpuDevice = true;
    try {
      for (const capture of ['auto', 'required'] as const) {
        const made = build();
        const runner = new CapturedStepRunner({ ...made, capture, precision: 'float16' });
        const refusal = '[HKL_LOSS_SCALE_MISSING] option precision: gradients below 6e-8 are 0 in float16';
        expect(() => runner.run(at(0))).toThrow(refusal);
        await expect(runner.prepare()).rejects.toThrow(refusal);
        expect(made.source.state()).toEqual(build().source.state());
      }
      const scaled = build((_, scope) => scope.scaleLoss(() => tf.scalar(1024)));
      expectClose(await train('captured', 20, scaled, { precision: 'float16' }), await train('eager', 20), 1e-2);
    } finally {
      backend.isUsingGpuDevice = false;
    }
  });

  it('keep a graph for each shape of the batch, within a limit', async () => {
    const sizes = [4, 2, 3, 4, 2, 1, 4];
    const batches = sizes.map((size, i) => ({
      x: { data: Float32Array.from({ length: size * 3 }, (_, k) => Math.sin(i + k)), shape: [size, 3] },
      y: { data: new Float32Array(size).fill(i / 10), shape: [size, 1] },
    }));
    const eager = await train('eager', 21, build(undefined, batches));
    const captured = await train('captured', 21, build(undefined, batches), { graphs: 2 });
    expectClose(captured, eager);
    expect(captured.weights[2]).toEqual(eager.weights[2]);
  });

  it('leak no tensor and no session', async () => {
    const { binding } = tf.backend() as unknown as { binding: { getNumOfSavedModels(): number } };
    // The library counts sessions of the whole process, in which other test files ran earlier.
    const sessions = binding.getNumOfSavedModels();
    const made = build();
    const runner = new CapturedStepRunner({ ...made, capture: 'required' });
    for (let i = 0; i < 20; i++) await runner.run(at(i));
    const { numTensors } = tf.memory();
    for (let i = 20; i < 320; i++) await runner.run(at(i));
    expect(tf.memory().numTensors).toBe(numTensors);
    await runner.close();
    expect(binding.getNumOfSavedModels()).toBe(sessions);
  });
});

it('reports progress where capturing takes long', async () => {
  const lines: string[] = [];
  const slow = (hooks: Hooks) => {
    hooks.losses.tap((losses) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
      return losses;
    });
  };
  await train('captured', 1, build(slow), { log: (line) => lines.push(line) });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/its \d+ ops were recorded in \d+\.\d s/);
  const [, seconds] = /in (?<seconds>[\d.]+) s/.exec(lines[1] as string) ?? [];
  expect(Number(seconds)).toBeGreaterThan(2.2);
});
