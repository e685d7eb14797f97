import { ConsoleLogger, HOOK_TABLE, HookSet, HookSite, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import type { CaptureMode } from '../runners/captured-runner.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import { adam } from '../optim/adam.ts';
import { tfjsOptimizer } from '../optim/tfjs-optimizer.ts';
import { createStepRunner } from '../runners/create-step-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { savedParts } from './saved-parts.ts';

let dir: string;
beforeAll(async () => void (await loadNativeBackend(true)));
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(async () => {
  tf.disposeVariables();
});

type Batch = { x: tf.Tensor2D };
const matrix = (columns: number, phase: number) =>
  tf.variable(
    tf.tensor2d(
      [...Array(3 * columns).keys()].map((k) => 0.5 * Math.cos(3 * k + phase)),
      [3, columns],
    ),
  );

/** A generator and a critic on shared variables, each with its own Adam, in turn. */
function adversaries(capture: CaptureMode, maxIterations: number) {
  const [g, c] = [matrix(3, 0), matrix(1, 1)];
  const score = (x: tf.Tensor2D) => x.matMul<tf.Tensor2D>(c).tanh();
  const fake = ({ x }: Batch) => x.matMul<tf.Tensor2D>(g).sigmoid() as tf.Tensor2D;
  const part = (variables: Record<string, tf.Variable>, losses: (batch: Batch) => tf.Scalar, seed: number) => {
    const model = functionModel<Batch>({ variables, losses });
    const optimizer = adam(model, { learningRate: 0.02 });
    const scope = new RunnerScope({ random: seed });
    const batches = [1, 2, 3].map((i) => ({
      x: { data: Float32Array.from({ length: 12 }, (_, k) => Math.sin(i * k + seed)), shape: [4, 3] },
    }));
    const source = new BatchSource(batches, { repeat: true });
    const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
    return {
      model,
      optimizer,
      scope,
      source,
      runner: createStepRunner({ model, optimizer, scope, source, hooks, capture }),
    };
  };
  const generator = part({ g }, (batch) => score(fake(batch)).neg().mean(), 1);
  const critic = part({ c }, (batch) => score(fake(batch)).mean().sub(score(batch.x).mean()) as tf.Scalar, 2);
  const trainer = new TrainerBase({
    maxIterations,
    output: dir,
    logger: new ConsoleLogger({ level: 'silent' }),
    plugins: [savedParts({ generator, critic })],
    step: {
      run: async (context) => {
        const ofCritic = await critic.runner.run(context);
        const ofGenerator = await generator.runner.run(context);
        const total = (output: typeof ofCritic) => output.losses['total_loss'] as number;
        return { losses: { critic: total(ofCritic), generator: total(ofGenerator) }, dataTime: 0 };
      },
      close: async () => {
        await critic.runner.close?.();
        await generator.runner.close?.();
      },
    },
  });
  return { trainer, values: () => [...g.dataSync(), ...c.dataSync()] };
}

it('trains two models in turn, each with its own optimizer, the same captured and eager, over 20 steps', async () => {
  const eager = adversaries('off', 20);
  await eager.trainer.train();
  const captured = adversaries('required', 20);
  await captured.trainer.train();
  const wanted = eager.values();
  captured.values().forEach((value, i) => expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-6));
});

it.each(['off', 'required'] as const)('continues bit for bit from a checkpoint, capture %s', async (capture) => {
  const whole = adversaries(capture, 20);
  await whole.trainer.train({ maxIterations: 7 });
  const file = await whole.trainer.checkpoints.save('seven');
  await whole.trainer.train({ maxIterations: 20 });
  const resumed = adversaries(capture, 20);
  await resumed.trainer.load(file);
  await resumed.trainer.train();
  expect(resumed.values()).toEqual(whole.values());
});

/** A stateful recurrent net that only the savedParts plugin knows. */
function recurrent(capture: CaptureMode, maxIterations: number, units = 3) {
  let seed = 0;
  const init = () => tf.initializers.glorotUniform({ seed: ++seed });
  const net = tf.sequential({
    layers: [
      tf.layers.lstm({
        units,
        batchInputShape: [2, 4, 3],
        stateful: true,
        kernelInitializer: init(),
        recurrentInitializer: init(),
      }),
      tf.layers.dense({ units: 1, kernelInitializer: init() }),
    ],
  });
  const model = layersModel<Batch>(net, { loss: (out) => out.sub(0.5).square().mean() });
  const optimizer = adam(model, { learningRate: 0.02 });
  const scope = new RunnerScope({ random: 7 });
  const batches = [1, 2, 3].map((i) => ({
    x: { data: Float32Array.from({ length: 24 }, (_, k) => Math.sin(i * k + 5)), shape: [2, 4, 3] },
  }));
  const source = new BatchSource(batches, { repeat: true });
  const { byName: hooks } = new HookSet('engine', HOOK_TABLE, new HookSite());
  const trainer = new TrainerBase({
    maxIterations,
    output: dir,
    logger: new ConsoleLogger({ level: 'silent' }),
    plugins: [savedParts({ net: { model, optimizer, scope, source } })],
    step: createStepRunner({ model, optimizer, scope, source, hooks, capture }),
  });
  const values = () =>
    [...model.trainable().values(), ...model.state().values()].flatMap((each) => [...each.dataSync()]);
  return { trainer, model, values };
}

it.each(['off', 'required'] as const)('saves the state of recurrent layers, capture %s', async (capture) => {
  const whole = recurrent(capture, 9);
  await whole.trainer.train({ maxIterations: 4 });
  const file = await whole.trainer.checkpoints.save('four');
  await whole.trainer.train({ maxIterations: 9 });
  expect(whole.model.state().size).toBe(2);
  const resumed = recurrent(capture, 9);
  await resumed.trainer.load(file);
  await resumed.trainer.train();
  expect(resumed.values()).toEqual(whole.values());
});

/** Two user-defined nets, one for each kind of part, with a learning rate that the step itself lowers. */
function plain(maxIterations: number, { learningRate = 0.1, lines = [] as string[] } = {}) {
  const w = tf.variable(tf.tensor1d([1, 2]));
  const layers = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [2], units: 1, kernelInitializer: tf.initializers.constant({ value: 0.5 }) }),
    ],
  });
  const ofW = adam({ w }, { learningRate });
  const ofNet = tfjsOptimizer(layers, tf.train.momentum(0.1, 0.9));
  const trainer = new TrainerBase({
    maxIterations,
    output: dir,
    logger: new ConsoleLogger({ live: false, level: 'warn', stream: { write: (text) => lines.push(text) } }),
    plugins: [savedParts({ w: { model: { w }, optimizer: ofW }, net: { model: layers, optimizer: ofNet } })],
    step: async () => {
      const net = await ofNet.minimize(() => (layers.apply(w.reshape([1, 2])) as tf.Tensor).square().mean());
      const loss = await ofW.minimize(() => (layers.apply(w.reshape([1, 2])) as tf.Tensor).sub(1).square().mean());
      ofW.learningRate *= 0.9;
      return { net, w: loss };
    },
  });
  const values = () => [w, ...layers.weights.map((weight) => weight.read())].flatMap((each) => [...each.dataSync()]);
  return { trainer, values, ofW, lines };
}

it('saves bare variables and tf.layers models, and continues bit for bit with optimizers in a user-defined step', async () => {
  const whole = plain(8);
  await whole.trainer.train({ maxIterations: 3 });
  const file = await whole.trainer.checkpoints.save('three');
  await whole.trainer.train({ maxIterations: 8 });
  const resumed = plain(8);
  await resumed.trainer.load(file);
  await resumed.trainer.train();
  expect(resumed.values()).toEqual(whole.values());
  expect(resumed.ofW.learningRate).toBe(whole.ofW.learningRate);
  expect(resumed.lines).toEqual([]);
});

it('continues with a newly requested learning rate, and says so', async () => {
  const first = plain(3);
  await first.trainer.train();
  const file = await first.trainer.checkpoints.save('three');
  const other = plain(4, { learningRate: 0.5 });
  await other.trainer.load(file);
  expect(other.ofW.learningRate).toBe(0.5);
  expect(other.lines).toEqual([
    expect.stringMatching(/the learning rate of the part "w" is 0.5, as asked for; .* was saved with 0.1\n$/),
  ]);
});

it('starts from the weights alone, without the optimizers, and refuses a file that contains none of them', async () => {
  const first = plain(3);
  await first.trainer.train();
  const file = await first.trainer.checkpoints.save('three');
  const next = plain(3);
  const slots = () => [...next.ofW.slots().values()].flatMap((each) => [...each.dataSync()]);
  const fresh = slots();
  await next.trainer.load(file, 'weights');
  expect(next.values()).toEqual(first.values());
  expect(slots()).toEqual(fresh);
  const strange = adversaries('off', 2);
  await expect(strange.trainer.load(file, 'weights')).rejects.toMatchObject({ cause: { code: 'HKL_WEIGHTS_NONE' } });
});

it('refuses misspelt parts, invalid models and invalid optimizers when it is created', () => {
  const w = tf.variable(tf.scalar(1));
  expect(() => savedParts({ w: { model: { w }, optimiser: adam({ w }, { learningRate: 1 }) } as never })).toThrow(
    'part "w" of savedParts: it has no option "optimiser". Did you mean "optimizer"?',
  );
  expect(() => savedParts({ w: { model: 'w' as never } })).toThrow('HKL_MODEL_INVALID');
  expect(() => savedParts({ w: { optimizer: tf.train.sgd(1) as never } })).toThrow('HKL_OPTIMIZER_INVALID');
});

it('loads nothing when a part does not fit', async () => {
  const whole = recurrent('off', 2);
  await whole.trainer.train();
  const file = await whole.trainer.checkpoints.save('two');
  const other = recurrent('off', 4, 5);
  const before = other.values();
  await expect(other.trainer.load(file)).rejects.toThrow('HKL_STATE_MISMATCH');
  expect(other.values()).toEqual(before);
});
