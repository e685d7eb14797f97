import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type PluginInput, type StepContext, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt, tinyTraining } from '@hookline/testing';
import { selectDevice } from '@hookline/tfjs';
import { epochHooks } from './epoch-hooks.ts';
import { epochs } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

/** Writes down the hooks, and the steps by their iterations. */
const scribe = (log: string[], isAsync = false) =>
  definePlugin({
    name: 'scribe',
    version: '1.0.0',
    requires: { epochs: epochHooks },
    setup({ hooks, epochs: own }) {
      const note = (line: string) => {
        if (isAsync) return Promise.resolve().then(() => void log.push(line));
        log.push(line);
        return undefined;
      };
      own.beforeEpoch.tap(({ epoch }) => note(`before ${epoch}`));
      own.afterEpoch.tap(({ epoch, iteration }) => note(`after ${epoch} at ${iteration}`));
      hooks.afterStep.tap(({ iteration }) => void log.push(String(iteration)));
    },
  })();

const make = (epochLength: number | undefined, end: object, plugins: readonly PluginInput[], fails?: number) =>
  new TrainerBase({
    step: {
      epochLength,
      run: ({ iteration }: StepContext) => {
        if (iteration === fails) throw new Error('no batch');
        return { losses: {} };
      },
    },
    ...end,
    output,
    logger: new RecordingLogger(),
    plugins: [epochs(), ...plugins],
  });

describe('epochs', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(epochs.definition).toMatchObject({ name, version });
    await checkPluginContract({ plugin: () => epochs(), trainer: tinyTraining });
  });

  it.each([false, true])(
    'calls its hooks around the steps of each epoch, with asynchronous taps: %s',
    async (isAsync) => {
      const log: string[] = [];
      const trainer = make(3, { maxEpochs: 2 }, [scribe(log, isAsync)]);
      expect(await trainer.train()).toEqual({ status: 'completed', iteration: 6 });
      expect(log.join(', ')).toBe('before 0, 0, 1, after 0 at 2, 2, before 1, 3, 4, after 1 at 5, 5');
      expect(
        trainer.storage
          .history('epoch')
          .values()
          .map(({ value }) => value),
      ).toEqual([1, 2, 3, 4, 5, 6].map((done) => done / 3));
    },
  );

  it('ends an epoch with the step in which its last sample comes, where batches go on across it', async () => {
    const log: string[] = [];
    await make(2.5, { maxEpochs: 2 }, [scribe(log)]).train();
    expect(log.join(', ')).toBe('before 0, 0, 1, after 0 at 2, 2, before 1, 3, after 1 at 4, 4');
    log.length = 0;
    await make(0.4, { maxIterations: 2 }, [scribe(log)]).train();
    expect(log.join(', ')).toBe('before 0, after 1 at 0, 0, before 2, after 4 at 1, 1');
  });

  it('goes on within an epoch, and between two, without calling a hook twice or not at all', async () => {
    const whole: string[] = [];
    await make(3, { maxEpochs: 3 }, [scribe(whole), ...[0, 1, 2, 3, 4, 5].map((at) => saveAt(at, `at${at}`))]).train();
    for (let at = 0; at < 6; at++) {
      const rest: string[] = [];
      const trainer = make(3, { maxEpochs: 3 }, [scribe(rest)]);
      await trainer.load(join(output, `at${at}.safetensors`));
      await trainer.train();
      expect(rest).toEqual(whole.slice(whole.indexOf(String(at)) + 1));
    }
  });

  it('counts the epochs that are done on, where the epochs of the data of today have another length', async () => {
    await make(4, { maxEpochs: 3 }, [saveAt(5, 'here')]).train();
    const log: string[] = [];
    const trainer = make(8, { maxEpochs: 3 }, [scribe(log)]);
    await trainer.load(join(output, 'here.safetensors'));
    expect(await trainer.train()).toEqual({ status: 'completed', iteration: 6 + 1.5 * 8 });
    expect(log.filter((line) => line.includes(' '))).toEqual(['after 1 at 9', 'before 2', 'after 2 at 17']);
  });

  it('ends an epoch also where its last step has failed and was skipped', async () => {
    const log: string[] = [];
    const skip = definePlugin({
      name: 'skip',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.stepFailed.tap(() => 'skip' as const),
    });
    await make(2, { maxIterations: 3 }, [skip(), scribe(log)], 1).train();
    expect(log.join(', ')).toBe('before 0, 0, after 0 at 1, before 1, 2');
  });

  it('refuses data that do not tell how long an epoch is before the first step', async () => {
    const fix = 'Count in iterations, or give data with a length';
    await expect(make(undefined, { maxIterations: 2 }, []).train()).rejects.toThrow(
      `[HKL_EPOCH_UNKNOWN] @hookline/plugin-epochs: it counts in epochs, and the training data do not tell how many batches an epoch has. ${fix}`,
    );
    const trainer = new TrainerBase({ step: () => 1, maxEpochs: 2, output, logger: new RecordingLogger() });
    await expect(trainer.train()).rejects.toThrow('[HKL_EPOCH_UNKNOWN] trainer: maxEpochs counts in epochs');
    await expect(trainer.train({ maxIterations: 2 })).resolves.toMatchObject({ iteration: 2 });
  });
});
