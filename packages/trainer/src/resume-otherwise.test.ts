import { join } from 'node:path';
import { type LoadOptions, type PluginInput, readCheckpoint, writeCheckpoint } from '@hookline/core';
import { ArrayLoader } from '@hookline/data';
import { ema, emaRef } from '@hookline/plugin-ema';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { constant, lrScheduler } from '@hookline/plugin-lr-scheduler';
import { RecordingLogger, saveAt } from '@hookline/testing';
import { adam, adamW, modelRef, optimizerRef, selectDevice, sgd, type tf } from '@hookline/tfjs';
import { pointTrainer } from './all-plugins.test.support.ts';
import type { SimpleTrainer, SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

const file = () => join(dir, 'mid.safetensors');

/** Saves a checkpoint in the middle of a run. */
async function save(plugins: readonly PluginInput[] = [], options: Partial<SimpleTrainerOptions> = {}): Promise<void> {
  const trainer = pointTrainer(dir, [...plugins, saveAt(4)], { capture: 'off', ...options });
  await trainer.train();
  await trainer.dispose();
}

/** Loads it into another trainer. */
async function load(
  plugins: readonly PluginInput[],
  options: Partial<SimpleTrainerOptions> = {},
  allow: LoadOptions = {},
): Promise<{ trainer: SimpleTrainer; warnings: readonly string[] }> {
  const logger = new RecordingLogger('warn');
  const trainer = pointTrainer(dir, [...plugins, saveAt(-1)], { capture: 'off', ...options, logger });
  try {
    await trainer.load(file(), allow);
  } catch (error) {
    await trainer.dispose();
    throw error;
  }
  return { trainer, warnings: logger.lines };
}

const ADDED: [string, () => PluginInput][] = [
  ['ema', () => ema({ decay: 0.9 })],
  ['gradient-accumulation', () => gradientAccumulation({ steps: 2 })],
  ['loss-scaling', () => lossScaling({ initScale: 1024 })],
];

describe.each(ADDED)('%s', (name, plugin) => {
  it('is added to a run that goes on only on request, and then starts afresh', async () => {
    await save();
    await expect(load([plugin()])).rejects.toThrow(new RegExp(`--allow-mismatch ${name} `));
    const { trainer } = await load([plugin()], {}, { allowMismatch: [name] });
    expect(trainer.iteration).toBe(5);
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 8 });
    await trainer.dispose();
  });

  it('is left out only on request', async () => {
    await save([plugin()]);
    await expect(load([])).rejects.toThrow(new RegExp(`--allow-mismatch ${name} `));
    const { trainer } = await load([], {}, { allowMismatch: [name] });
    expect(await trainer.train()).toMatchObject({ status: 'completed', iteration: 8 });
    await trainer.dispose();
  });
});

it('averages that are added begin at the weights that were loaded', async () => {
  await save();
  const { trainer } = await load([ema({ decay: 0.9 })], { maxIterations: 6 }, { allowMismatch: ['ema'] });
  const model = await trainer.service(modelRef);
  const [name, weight] = [...model.trainable()][0] as [string, tf.Variable];
  const loaded = [...weight.dataSync()];
  await trainer.train();
  const trained = [...weight.dataSync()];
  const average = [...((await trainer.service(emaRef)).averages.get(name) as tf.Variable).dataSync()];
  loaded.forEach((before, i) => {
    const share = Math.min(0.9, 1 / 10);
    expect(average[i]).toBeCloseTo(before * share + (trained[i] as number) * (1 - share), 5);
  });
  await trainer.dispose();
});

const rate = async (trainer: SimpleTrainer) => (await trainer.service(optimizerRef)).learningRate;
const withRate = (learningRate: number): Partial<SimpleTrainerOptions> => ({
  optimizer: (model) => adam(model, { learningRate }),
});

describe('the learning rate', () => {
  it('that is asked for is the one of a resumed run, and is told of', async () => {
    await save([], withRate(0.02));
    const { trainer, warnings } = await load([], withRate(0.001));
    expect(await rate(trainer)).toBe(0.001);
    expect(warnings).toEqual([
      expect.stringMatching(/the learning rate is 0\.001, as asked for; .* was saved with 0\.02$/),
    ]);
    await trainer.dispose();
  });

  it('that a plugin has changed since goes on where the same one is asked for', async () => {
    const trainer = pointTrainer(dir, [], withRate(0.02));
    await trainer.prepare();
    (await trainer.service(optimizerRef)).learningRate = 0.005;
    await trainer.checkpoints.save('mid');
    await trainer.dispose();
    const { trainer: resumed, warnings } = await load([], withRate(0.02));
    expect(await rate(resumed)).toBe(0.005);
    expect(warnings).toEqual([]);
    await resumed.dispose();
  });

  it('of a schedule is no difference', async () => {
    const schedule = () => lrScheduler({ schedule: constant() });
    await save([schedule()], withRate(0.02));
    const { trainer, warnings } = await load([schedule()], withRate(0.02));
    expect(warnings).toEqual([]);
    await trainer.dispose();
  });
});

describe('another optimizer', () => {
  it('whose state is of the same shape takes it over, and that is told of', async () => {
    await save();
    const { trainer, warnings } = await load([], {
      optimizer: (model) => adamW(model, { learningRate: 0.01, weightDecay: 0 }),
    });
    expect(warnings).toEqual([expect.stringMatching(/adamW goes on with the state of adam,/)]);
    await trainer.dispose();
  });

  it('whose state is of another shape is refused, by both names, or starts afresh on request', async () => {
    await save();
    const other = {
      optimizer: (model: Parameters<typeof sgd>[0]) => sgd(model, { learningRate: 0.01, momentum: 0.9 }),
    };
    await expect(load([], other)).rejects.toThrow(
      /HKL_STATE_MISMATCH.*saved by the optimizer adam, and this one is sgd.*--allow-mismatch optimizer/,
    );
    const { trainer, warnings } = await load([], other, { allowMismatch: ['optimizer'] });
    expect(warnings).toEqual([expect.stringMatching(/the optimizer sgd starts afresh/)]);
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
    await trainer.dispose();
  });
});

describe('other data', () => {
  const field = (samples: number, features: number) => ({
    data: new Float32Array(samples * features).fill(0.5),
    shape: [samples, features] as const,
  });
  const loader = (samples: number, batchSize: number) => ({
    data: new ArrayLoader({ x: field(samples, 5), y: field(samples, 3) }, { batchSize }),
  });

  it('of another size, and another batch size, are told of', async () => {
    await save([], { ...loader(60, 6) });
    const { trainer, warnings } = await load([], loader(64, 4));
    expect(warnings).toEqual([
      expect.stringMatching(/the data are not those .*: samples is 64, it was 60$/),
      expect.stringMatching(/the data are not those .*: batchSize is 4, it was 6$/),
      expect.stringMatching(/the data are not those .*: contents is "\w{16}", it was "\w{16}"$/),
    ]);
    await trainer.dispose();
  });

  it('without the place that was saved are refused, or begin anew on request', async () => {
    await save([], loader(60, 6));
    await expect(load([], loader(12, 6))).rejects.toThrow(
      /HKL_STATE_INVALID.*field "source": "batch" is 5, and an epoch has 2 batches.*entry hookline\/data.*--allow-mismatch data/,
    );
    const { trainer, warnings } = await load([], loader(12, 6), { allowMismatch: ['data'] });
    expect(warnings.at(-1)).toMatch(/the data begin anew/);
    await trainer.dispose();
  });

  it('that have no position of their own do not take one over', async () => {
    await save([], loader(60, 6));
    await expect(load([])).rejects.toThrow(/field "source": it is of data with a position of their own/);
  });

  it('whose position is ahead of the iterations are told of, and begin anew on request', async () => {
    await save();
    const { manifest, tensors } = await readCheckpoint(file());
    const entry = manifest.entries['hookline/data'];
    const data = { ...(entry?.data as object), epoch: 9 };
    const entries = { ...manifest.entries, 'hookline/data': { ...entry, data } };
    await writeCheckpoint(file(), { manifest: { ...manifest, entries }, tensors });
    const { trainer, warnings } = await load([]);
    expect(warnings).toEqual([
      expect.stringMatching(/the data go on after \d+ batches, .* saved after 5 iterations, .*--allow-mismatch data/),
    ]);
    await trainer.dispose();
    const anew = await load([], {}, { allowMismatch: ['data'] });
    expect(anew.warnings).toEqual([expect.stringMatching(/the data begin anew/)]);
    await anew.trainer.dispose();
  });
});
