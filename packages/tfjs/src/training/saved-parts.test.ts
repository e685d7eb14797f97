import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleLogger, HOOK_TABLE, HookSet, HookSite, TrainerBase } from '@hookline/core';
import * as tf from '@tensorflow/tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import type { CaptureMode } from '../capture/captured-runner.ts';
import { loadNativeBackend } from '../device/native-backend.ts';
import { functionModel } from '../model/function-model.ts';
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
