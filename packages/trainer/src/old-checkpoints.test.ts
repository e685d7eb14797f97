import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definePlugin, randomRef, readCheckpoint, storageRef, TrainerBase } from '@hookline/core';
import { ArrayLoader } from '@hookline/data';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { RecordingLogger } from '@hookline/testing';
import { layersModel, modelRef, selectDevice, tf } from '@hookline/tfjs';
import { everyPlugin, fullTrainer } from './all-plugins.test.support.ts';
import { defineConfig } from './config/define-config.ts';
import { defineTrainer } from './define-trainer.ts';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'checkpoints-0.1.test.fixture');
const saved = (name: string) => join(FOLDER, `${name}.safetensors`);

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

/** The weights of a checkpoint, by name. */
async function weightsIn(file: string): Promise<Record<string, number[]>> {
  const { tensors } = await readCheckpoint(file);
  const weights = [...tensors].filter(([name]) => name.startsWith('model/'));
  return Object.fromEntries(weights.map(([name, { data }]) => [name.slice('model/'.length), Array.from(data, Number)]));
}

async function weightsOf(trainer: TrainerBase): Promise<Record<string, number[]>> {
  const model = await trainer.service(modelRef);
  const variables = [...model.trainable(), ...model.state()];
  return Object.fromEntries(variables.map(([name, variable]) => [name, [...variable.dataSync()]]));
}

// These checkpoints were written by version 0.1.0, before states had schemas.
describe('checkpoints of version 0.1.0', () => {
  it('of a bare trainer load and go on', async () => {
    let sum = 0;
    const walker = definePlugin({
      name: 'walker',
      version: '1.0.0',
      requires: { storage: storageRef, random: randomRef },
      setup({ hooks, storage, random }) {
        hooks.afterStep.tap(() => storage.putScalar('walk', (sum += random.float())));
        return { state: { save: () => sum, load: (data) => void (sum = Number(data)) } };
      },
    });
    const logger = new RecordingLogger('warn');
    const trainer = new TrainerBase({ step: () => 1, maxIterations: 6, output: dir, logger, plugins: [walker()] });
    await trainer.load(saved('bare'), { allowMismatch: [] });
    expect(trainer.iteration).toBe(3);
    expect(sum).toBeGreaterThan(0);
    expect(logger.lines).toEqual([expect.stringContaining('does not say with which options it was trained')]);
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 6 });
  });

  // The sums of an accumulation had other names, and ignored the sizes of the batches.
  it('of a SimpleTrainer with all plugins load and go on, without the half-done accumulation', async () => {
    const plugins = [...everyPlugin(), lossScaling({ initScale: 1024 })];
    const trainer = fullTrainer({ output: dir, capture: 'off', maxIterations: 8, plugins });
    // This plugin did not exist yet.
    const newer = ['reduce-on-plateau'];
    await expect(trainer.load(saved('simple'), { allowMismatch: newer })).rejects.toThrow(
      /--allow-mismatch gradient-accumulation/,
    );
    await trainer.load(saved('simple'), { allowMismatch: ['gradient-accumulation', ...newer] });
    expect(trainer.iteration).toBe(5);
    expect(await weightsOf(trainer)).toEqual(await weightsIn(saved('simple')));
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 8 });
    expect(
      Object.values(await weightsOf(trainer))
        .flat()
        .every(Number.isFinite),
    ).toBe(true);
    await trainer.dispose();
  });

  it('of a DefaultTrainer load and go on', async () => {
    const x = { data: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)), shape: [20, 3] } as const;
    const y = { data: Float32Array.from({ length: 20 }, (_, i) => Math.cos(i)), shape: [20, 1] } as const;
    const definition = defineTrainer({
      config: defineConfig({
        seed: 3,
        capture: 'off',
        output: dir,
        solver: {
          optimizer: 'adam',
          maxIterations: 6,
          batchSize: 4,
          baseLr: 0.01,
          emaDecay: 0.9,
          accumulationSteps: 2,
        },
        checkpoint: { period: 3 },
        writers: { tensorboard: false },
      }),
      buildModel: () =>
        layersModel<{ y: tf.Tensor }>(
          tf.sequential({
            layers: [tf.layers.dense({ inputShape: [3], units: 2, activation: 'relu' }), tf.layers.dense({ units: 1 })],
          }),
          { loss: (out, batch) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(batch.y, out) },
        ),
      buildTrainLoader: ({ solver }) =>
        new ArrayLoader({ x, y }, { batchSize: solver.batchSize, shuffle: true, repeat: true }),
    });
    const trainer = definition.create({ logger: new RecordingLogger() });
    await trainer.load(saved('default'), { allowMismatch: ['gradient-accumulation'] });
    expect(trainer.iteration).toBe(3);
    expect(await weightsOf(trainer)).toEqual(await weightsIn(saved('default')));
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 6 });
    await trainer.dispose();
  });
});
