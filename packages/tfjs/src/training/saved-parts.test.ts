import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleLogger, HOOK_TABLE, HookSet, HookSite, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import type { CaptureMode } from '../capture/captured-runner.ts';
import { loadNativeBackend } from '../device/native-backend.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import { adam } from '../optim/adam.ts';
import { createStepRunner } from '../step/create-step-runner.ts';
import { StepScope } from '../step/step-scope.ts';
import { savedParts } from './saved-parts.ts';

let dir: string;
beforeAll(async () => void (await loadNativeBackend(true)));
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'hookline-parts-'))));
afterEach(async () => {
  tf.disposeVariables();
  await rm(dir, { recursive: true, force: true });
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
    const scope = new StepScope({ random: seed });
    const batches = [1, 2, 3].map((i) => ({
      x: { data: Float32Array.from({ length: 12 }, (_, k) => Math.sin(i * k + seed)), shape: [4, 3] },
    }));
    const source = new BatchSource(batches, { repeat: true });
    const { phases } = new HookSet('engine', HOOK_TABLE, new HookSite());
    return {
      model,
      optimizer,
      scope,
      source,
      runner: createStepRunner({ model, optimizer, scope, source, phases, capture }),
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

it('trains two models with an optimizer each in turn, captured as eagerly, over 20 steps', async () => {
  const eager = adversaries('off', 20);
  await eager.trainer.train();
  const captured = adversaries('required', 20);
  await captured.trainer.train();
  const wanted = eager.values();
  captured.values().forEach((value, i) => expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-6));
});

it.each(['off', 'required'] as const)('goes on to the bit from a checkpoint, capture %s', async (capture) => {
  const whole = adversaries(capture, 20);
  await whole.trainer.train({ maxIterations: 7 });
  const file = await whole.trainer.checkpoints.save('seven');
  await whole.trainer.train({ maxIterations: 20 });
  const resumed = adversaries(capture, 20);
  await resumed.trainer.load(file);
  await resumed.trainer.train();
  expect(resumed.values()).toEqual(whole.values());
});

/** A stateful recurrent net, of which nothing but the savedParts plugin knows. */
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
  const scope = new StepScope({ random: 7 });
  const batches = [1, 2, 3].map((i) => ({
    x: { data: Float32Array.from({ length: 24 }, (_, k) => Math.sin(i * k + 5)), shape: [2, 4, 3] },
  }));
  const source = new BatchSource(batches, { repeat: true });
  const { phases } = new HookSet('engine', HOOK_TABLE, new HookSite());
  const trainer = new TrainerBase({
    maxIterations,
    output: dir,
    logger: new ConsoleLogger({ level: 'silent' }),
    plugins: [savedParts({ net: { model, optimizer, scope, source } })],
    step: createStepRunner({ model, optimizer, scope, source, phases, capture }),
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

it('loads nothing where a part does not fit', async () => {
  const whole = recurrent('off', 2);
  await whole.trainer.train();
  const file = await whole.trainer.checkpoints.save('two');
  const other = recurrent('off', 4, 5);
  const before = other.values();
  await expect(other.trainer.load(file)).rejects.toThrow('HKL_STATE_MISMATCH');
  expect(other.values()).toEqual(before);
});
