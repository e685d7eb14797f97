import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import { selectDevice } from '@hookline/tfjs';
import type { TimeLimitOptions } from './options.ts';
import { timeLimit } from './plugin.ts';

let output: string;
/** The time of the fake clock in milliseconds; each step takes a minute. */
let now = 0;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});
afterEach(async () => {
  jest.restoreAllMocks();
});

const make = (options: TimeLimitOptions, savedAt = -1) => {
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  return new TrainerBase({
    step: () => {
      now += 60_000;
      return 1;
    },
    maxIterations: 20,
    output,
    plugins: [timeLimit(options), saveAt(savedAt, 'here')],
    logger: new RecordingLogger(),
  });
};

describe('timeLimit', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(timeLimit.definition).toMatchObject({ name, version });
    await checkPluginContract({ plugin: () => timeLimit({ hours: 1 }) });
  });

  it('ends the training gracefully after the step in which the time was over', async () => {
    expect(await make({ minutes: 2, seconds: 30 }).train()).toMatchObject({
      status: 'stopped',
      iteration: 3,
      reason: 'the time limit of 2 min 30 s is reached',
    });
    expect(await make({ hours: 1 }).train()).toMatchObject({ status: 'completed' });
  });

  it('gives each training the whole time, or all parts of a run together', async () => {
    await make({ minutes: 4, wholeRun: true }, 1).train();
    for (const [wholeRun, iteration] of [
      [false, 6],
      [true, 4],
    ] as const) {
      const trainer = make({ minutes: 4, wholeRun });
      const allowMismatch = wholeRun ? [] : ['time-limit'];
      await trainer.load(join(output, 'here.safetensors'), { allowMismatch });
      expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration });
    }
  });

  it('does not begin a step when the time of the whole run is over', async () => {
    const trainer = make({ minutes: 2, wholeRun: true }, 1);
    await trainer.train();
    expect(await trainer.train({ maxIterations: 30 })).toMatchObject({ status: 'stopped', iteration: 2 });
  });

  it('leaves a run that goes on to the same weights as one without a limit', async () => {
    const run = (plugins: Parameters<typeof tinyTraining>[0]) => tinyTraining({ output, maxIterations: 8, ...plugins });
    const whole = run({});
    await whole.train();
    const limited = run({ plugins: [timeLimit({ seconds: 1e-9 }), saveAt(0, 'here')] });
    expect(await limited.train()).toMatchObject({ status: 'stopped', iteration: 1 });
    const resumed = run({ plugins: [timeLimit({ hours: 1 }), saveAt(-1)] });
    await resumed.load(join(output, 'here.safetensors'));
    await resumed.train();
    expect(await weightsOf(resumed)).toEqual(await weightsOf(whole));
  });

  it.each<[TimeLimitOptions, RegExp]>([
    [{}, /give a time above 0/],
    [{ minutes: -1 }, /option "minutes"/],
    [{ minute: 1 } as TimeLimitOptions, /Did you mean "minutes"/],
  ])('refuses %j', async (options, message) => {
    await expect(make(options).train()).rejects.toThrow(message);
  });
});
