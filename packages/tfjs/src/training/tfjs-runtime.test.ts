import { join } from 'node:path';
import { checkpointsRef, ConsoleLogger, definePlugin, type PluginInput, TrainerBase } from '@hookline/core';
import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { layersModel } from '../model/layers-model.ts';
import { modelRef, modelVariables } from '../model/trainable-model.ts';
import { adam } from '../optim/adam.ts';
import { stepScopeRef } from '../scope/step-scope.ts';
import { trainingStepRef } from '../step/training-step-service.ts';
import { tfjsRuntime } from './tfjs-runtime.ts';

const logger = new ConsoleLogger({ level: 'silent' });

/** y = 1 where the inputs' sum is positive; eight batches of eight. */
function* batches() {
  for (let batch = 0; batch < 8; batch++) {
    const x = Float32Array.from({ length: 24 }, (_, index) => Math.sin((batch * 24 + index) * 1.7));
    const y = Float32Array.from({ length: 8 }, (_, row) => Number(x[row * 3]! + x[row * 3 + 1]! + x[row * 3 + 2]! > 0));
    yield { x: { data: x, shape: [8, 3] }, y: { data: y, shape: [8, 1] } };
  }
}

function makeModel(units = 8) {
  const net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [3], units, activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  return layersModel<{ x: tf.Tensor; y: tf.Tensor }>(net, {
    loss: (logits, { y }) => tf.losses.sigmoidCrossEntropy(y, logits) as tf.Scalar,
  });
}

function makeTrainer(
  options: { output?: string; seed?: number; maxIterations?: number; plugins?: PluginInput[]; units?: number } = {},
) {
  const { output, seed = 3, maxIterations = 20, plugins = [], units } = options;
  const runtime = tfjsRuntime({
    model: () => makeModel(units),
    optimizer: (model) => adam(model, { learningRate: 0.02 }),
    data: batches,
    repeat: true,
    capture: 'off',
  });
  return new TrainerBase({
    maxIterations,
    seed,
    ...(output === undefined ? {} : { output }),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins],
    logger,
  });
}

const saver = (at: number) =>
  definePlugin({
    name: 'saver',
    version: '1.0.0',
    requires: { checkpoints: checkpointsRef },
    setup({ hooks, checkpoints }) {
      hooks.afterStep.tap(async ({ iteration }) => void (iteration === at && (await checkpoints.save('mid'))));
    },
  })();

async function weights(trainer: TrainerBase): Promise<Record<string, number[]>> {
  const model = await trainer.service(modelRef);
  return Object.fromEntries([...modelVariables(model)].map(([name, variable]) => [name, [...variable.dataSync()]]));
}

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

describe('tfjsRuntime', () => {
  it('trains: the loss falls', async () => {
    const trainer = makeTrainer({ maxIterations: 60 });
    await trainer.train();
    const losses = trainer.storage.history('total_loss');
    const values = losses.values().map(({ value }) => value);
    const mean = (part: number[]) => part.reduce((sum, value) => sum + value, 0) / part.length;
    expect(mean(values.slice(-10))).toBeLessThan(0.7 * mean(values.slice(0, 10)));
  });

  it('gives bit-identical weights for the same seed, whatever other plugins draw, and other weights for another seed', async () => {
    const [a, b, c] = [makeTrainer(), makeTrainer({ plugins: [saver(-1)], output: dir }), makeTrainer({ seed: 4 })];
    for (const trainer of [a, b, c]) await trainer.train();
    expect(await weights(b)).toEqual(await weights(a));
    expect(await weights(c)).not.toEqual(await weights(a));
  });

  it('resumes bit for bit: weights, optimizer, data order, dropout', async () => {
    const whole = makeTrainer({ plugins: [saver(8)], output: dir });
    await whole.train();
    const resumed = makeTrainer({ plugins: [saver(-1)], output: dir, seed: 77 });
    await resumed.resumeOrLoad();
    expect(resumed.iteration).toBe(9);
    await resumed.train();
    expect(await weights(resumed)).toEqual(await weights(whole));
  });

  it('changes nothing when a checkpoint does not fit, and loads what fits as weights', async () => {
    await makeTrainer({ plugins: [saver(3)], output: dir }).train();
    const other = makeTrainer({ units: 5 });
    await other.prepare();
    const before = await weights(other);
    const file = join(dir, 'mid.safetensors');
    await expect(other.load(file)).rejects.toMatchObject({ cause: { code: 'HKL_STATE_MISMATCH' } });
    expect(await weights(other)).toEqual(before);
    await expect(other.load(file, 'weights')).rejects.toMatchObject({ cause: { code: 'HKL_WEIGHTS_MISMATCH' } });
    expect(await weights(other)).toEqual(before);
    await other.load(file, { scope: 'weights', allowMismatch: ['weights'] });
    expect(await weights(other)).not.toEqual(before);
    expect(other.iteration).toBe(0);
  });

  it('changes no weights when a plugin refuses the weights of a checkpoint', async () => {
    await makeTrainer({ plugins: [saver(3)], output: dir }).train();
    const refusing = definePlugin({
      name: 'refusing',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.loadState.tap(() => {
          throw new Error('not these');
        });
        // The state before the load cannot be kept either, so that nothing could be put back.
        hooks.saveState.tap(() => {
          throw new Error('not now');
        });
      },
    });
    const other = makeTrainer({ plugins: [refusing()] });
    await other.prepare();
    const before = await weights(other);
    await expect(other.load(join(dir, 'mid.safetensors'), 'weights')).rejects.toThrow('not these');
    expect(await weights(other)).toEqual(before);
  });

  it('continues training in a second call, with the variables that plugins made in the first', async () => {
    const counting = definePlugin({
      name: 'counting',
      version: '1.0.0',
      requires: { scope: stepScopeRef },
      setup({ hooks, scope }) {
        const count = scope.value.variable('counting/steps', () => tf.scalar(0));
        hooks.afterUpdate.tap(() => {
          tf.tidy(() => {
            count.assign(count.add(1));
          });
        });
      },
    });
    const trainer = makeTrainer({ maxIterations: 4, plugins: [counting()] });
    await trainer.train();
    await trainer.train({ maxIterations: 10 });
    const step = await trainer.service(trainingStepRef);
    expect(step.variables().get('scope/counting/steps')?.dataSync()[0]).toBe(10);
    const straight = makeTrainer({ maxIterations: 10, plugins: [counting()] });
    await straight.train();
    expect(await weights(trainer)).toEqual(await weights(straight));
  });
});
