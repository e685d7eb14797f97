import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { layersModel } from '../model/layers-model.ts';
import { adam } from '../optim/adam.ts';
import { EagerStepRunner } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';
import { CapturedStepRunner } from './captured-runner.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const batches = Array.from({ length: 5 }, (_, i) => ({
  x: { data: Float32Array.from({ length: 4 * 36 }, (__, k) => Math.sin(i * 31 + k * 1.3)), shape: [4, 6, 6, 1] },
  y: { data: Float32Array.from({ length: 8 }, (__, k) => Number((k + i) % 2 === 0)), shape: [4, 2] },
}));

function build(kind: 'eager' | 'captured') {
  const seeded = (seed: number) => tf.initializers.heNormal({ seed });
  const layers = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 3, kernelSize: 3, kernelInitializer: seeded(1) }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.flatten(),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.dense({ units: 2, kernelInitializer: seeded(2) }),
    ],
  });
  const model = layersModel(layers, {
    loss: (out, { y }) => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(y, out),
  });
  const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
  const step = new TrainStep({
    model,
    optimizer: adam(model, { learningRate: 1e-3 }),
    hooks,
    scope: new RunnerScope({ random: 5 }),
  });
  const source = new BatchSource(batches, { repeat: true });
  const runner =
    kind === 'eager'
      ? new EagerStepRunner({ step, source })
      : new CapturedStepRunner({ step, source, capture: 'required' });
  const run = async (from: number, to: number): Promise<number[]> => {
    const losses: number[] = [];
    for (let iteration = from; iteration < to; iteration++) {
      const output = await runner.run({ iteration, startIteration: from, maxIterations: to });
      losses.push(output.losses['total_loss'] as number);
    }
    return losses;
  };
  const save = () => new Map([...step.variables()].map(([name, variable]) => [name, variable.dataSync().slice()]));
  const load = (saved: ReturnType<typeof save>) => {
    for (const [name, variable] of step.variables()) {
      tf.tidy(() => variable.assign(tf.tensor(saved.get(name) as Float32Array, variable.shape)));
    }
  };
  return { run, save, load, source, close: () => runner.close(), runner };
}

describe('a captured training', () => {
  it('resumes from a saved state to the bit, and eagerly within rounding', async () => {
    const whole = build('captured');
    await whole.run(0, 25);
    const saved = whole.save();
    const position = whole.source.state();
    const rest = await whole.run(25, 60);
    await whole.close();
    const end = whole.save();

    for (const kind of ['captured', 'eager'] as const) {
      tf.disposeVariables();
      const resumed = build(kind);
      resumed.load(saved);
      resumed.source.restore(position);
      const losses = await resumed.run(25, 60);
      await resumed.close();
      if (kind === 'captured') {
        expect(losses).toEqual(rest);
        expect(resumed.save()).toEqual(end);
      } else losses.forEach((loss, i) => expect(Math.abs(loss - (rest[i] as number))).toBeLessThan(1e-6));
    }
  });

  it('uses weights that are loaded while it is captured', async () => {
    const training = build('captured');
    await training.run(0, 5);
    const saved = training.save();
    const position = training.source.state();
    const first = await training.run(5, 15);
    training.load(saved);
    training.source.restore(position);
    expect(await training.run(5, 15)).toEqual(first);
    await training.close();
  });

  it('does not grow in memory over a thousand steps', async () => {
    const { binding } = tf.backend() as unknown as {
      binding: { getNumOfSavedModels(): number; getNumOfTensors(): number };
    };
    // The library counts sessions of the whole process, in which other test files ran earlier.
    const sessions = binding.getNumOfSavedModels();
    const training = build('captured');
    const settle = () => {
      for (let i = 0; i < 3; i++) global.gc?.();
      return {
        tensors: tf.memory().numTensors,
        handles: binding.getNumOfTensors(),
        sessions: binding.getNumOfSavedModels(),
      };
    };
    await training.run(0, 150);
    const before = settle();
    const memory = process.memoryUsage.rss();
    await training.run(150, 1150);
    expect(settle()).toEqual(before);
    expect(before.sessions).toBe(sessions + 1);
    // A leak of one activation per step would add 40 MB.
    expect(process.memoryUsage.rss() - memory).toBeLessThan(24 * 2 ** 20);
    await training.close();
    expect(binding.getNumOfSavedModels()).toBe(sessions);
  });
});
