import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { definePlugin, type Plugin, readCheckpoint, storageRef, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt } from '@hookline/testing';
import { bestCheckpointer } from './best-checkpointer.ts';
import { checkpointer } from './checkpointer.ts';
import type { BestCheckpointerOptions, CheckpointerOptions } from './options.ts';

let output: string;
/** The time of the fake clock in milliseconds. */
let now = 0;
beforeEach(() => {
  output = temporaryFolder();
});
afterEach(async () => {
  jest.restoreAllMocks();
});

/** Gives one value per iteration. */
const metric = (values: readonly number[]): Plugin =>
  definePlugin({
    name: 'metric',
    version: '1.0.0',
    provides: ['metrics'],
    requires: { storage: storageRef },
    setup: ({ hooks, storage }) =>
      hooks.afterStep.tap(({ iteration }) =>
        storage.putScalar('accuracy', values[iteration] ?? 0, { smoothing: false }),
      ),
  })();
const trainerOf = (plugins: readonly Plugin[], maxIterations: number, step = (): number => 1) =>
  new TrainerBase({ step, maxIterations, plugins, output, logger: new RecordingLogger() });
const files = async (): Promise<string[]> =>
  (await readdir(output))
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => name.replace('.safetensors', ''))
    .sort();
const record = async (): Promise<unknown> => JSON.parse(await readFile(join(output, 'model_best.json'), 'utf8'));

describe('bestCheckpointer with keep', () => {
  const values = [0.1, 0.5, 0.3, 0.2, 0.5, Number.NaN, 0.9, 0.4];
  const best = (options: Partial<BestCheckpointerOptions> = {}) =>
    bestCheckpointer({ metric: 'accuracy', keep: 3, ...options });

  it('keeps the contract of plugins', () =>
    checkPluginContract({ plugin: () => best({ keep: 2 }), beside: () => [metric(values)] }));

  it('keeps so many of the best checkpoints, and lists them, the best one first', async () => {
    await trainerOf([best(), metric(values)], values.length).train();
    expect(await files()).toEqual(['model_best_0000001', 'model_best_0000004', 'model_best_0000006']);
    expect(await record()).toEqual({
      metric: 'accuracy',
      mode: 'max',
      value: 0.9,
      iteration: 6,
      kept: [
        { value: 0.9, iteration: 6 },
        { value: 0.5, iteration: 1 },
        { value: 0.5, iteration: 4 },
      ],
    });
    const { manifest } = await readCheckpoint(join(output, 'model_best_0000006.safetensors'));
    expect(manifest.iteration).toBe(7);
  });

  it('goes down with mode min', async () => {
    await trainerOf([best({ keep: 2, mode: 'min' }), metric(values)], values.length).train();
    expect(await files()).toEqual(['model_best_0000000', 'model_best_0000003']);
  });

  it('remembers them when the run goes on, also from an older checkpoint', async () => {
    await trainerOf([best(), metric(values), saveAt(2, 'here')], values.length).train();
    const resumed = trainerOf([best(), metric([0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.45, 0.6])], 9);
    await resumed.load(join(output, 'here.safetensors'));
    await resumed.train();
    // Checkpoints from before the resume are kept, whatever values the same iterations have now.
    expect((await record()) as object).toMatchObject({ iteration: 6, value: 0.9 });
    expect((await files()).filter((name) => name.startsWith('model_best'))).toHaveLength(3);
  });
});

describe('checkpointer with periodMinutes', () => {
  const train = async (options: CheckpointerOptions, maxIterations: number, minutes: number): Promise<string[]> => {
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    await trainerOf([checkpointer({ period: 0, final: false, ...options })], maxIterations, () => {
      now += minutes * 60_000;
      return 1;
    }).train();
    return files();
  };

  it('saves by the clock, counted from the last checkpoint', async () => {
    expect(await train({ periodMinutes: 30 }, 9, 10)).toEqual(['model_0000002', 'model_0000005', 'model_0000008']);
  });

  it('counts from those that the period saves, and deletes all of them alike', async () => {
    expect(await train({ periodMinutes: 30, period: 5, maxToKeep: 2 }, 9, 10)).toEqual([
      'model_0000004',
      'model_0000007',
    ]);
  });
});
