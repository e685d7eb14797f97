import { readFile } from 'node:fs/promises';
import { ConsoleLogger, definePlugin, storageRef, TrainerBase } from '@hookline/core';
import type { CallbackOptions } from './options.ts';
import { callback } from './plugin.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const step = ({ iteration }: { iteration: number }) => 1 / (iteration + 1);
const trainerWith = (options: CallbackOptions, maxIterations = 2) =>
  new TrainerBase({ step, maxIterations, plugins: [callback(options)], logger });

describe('callback', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(callback.definition).toMatchObject({ name, version });
  });

  it('calls each function with the arguments of its hook and the tools; async ones are awaited', async () => {
    const log: string[] = [];
    const trainer = trainerWith({
      beforeTrain: ({ startIteration, maxIterations }) => void log.push(`begin ${startIteration}-${maxIterations}`),
      beforeStep: (_, { trainer: { iteration } }) => void log.push(`before ${iteration}`),
      afterStep: async ({ iteration }, { losses }, { storage }) => {
        await new Promise((done) => setTimeout(done, 1));
        storage.putScalar('doubled', 2 * Number(losses['total_loss']));
        log.push(`after ${iteration}`);
      },
      afterTrain: ({ status }) => void log.push(status),
    });
    await trainer.train();
    expect(log).toEqual(['begin 0-2', 'before 0', 'after 0', 'before 1', 'after 1', 'completed']);
    expect(trainer.storage.history('doubled').values()).toEqual([
      { value: 2, iteration: 0 },
      { value: 1, iteration: 1 },
    ]);
  });

  it('is reusable: a second call of train runs the same functions', async () => {
    let steps = 0;
    const trainer = trainerWith({
      afterStep: () => {
        steps++;
      },
    });
    await trainer.train();
    await trainer.train({ maxIterations: 5 });
    expect(steps).toBe(5);
  });

  it('can be used several times, each under its instance', async () => {
    const log: string[] = [];
    const plugins = [
      callback({ afterTrain: () => void log.push('a') }),
      callback({ afterTrain: () => void log.push('b') }, { instance: 'b' }),
    ];
    await new TrainerBase({ step, maxIterations: 1, plugins, logger }).train();
    expect(log).toEqual(['a', 'b']);
    const twice = [callback({}), callback({})];
    await expect(new TrainerBase({ step, maxIterations: 1, plugins: twice, logger }).train()).rejects.toThrow(
      /@hookline\/plugin-callback/,
    );
  });

  it('adds metrics to an evaluation, and leaves it alone when it returns nothing', async () => {
    const plugins = [
      callback({ evaluate: (results, { iteration }) => ({ ...results, accuracy: iteration }) }),
      callback({ evaluate: () => undefined }, { instance: 'silent' }),
    ];
    const trainer = new TrainerBase({ step, maxIterations: 3, plugins, logger });
    await trainer.train();
    expect(await trainer.evaluate()).toEqual({ accuracy: 3 });
  });

  it('stops the training, and handles a failed step', async () => {
    const stopping = trainerWith(
      {
        afterStep: ({ iteration }, _, { control }) => {
          if (iteration === 3) control.stop('enough');
        },
      },
      9,
    );
    expect(await stopping.train()).toEqual({ status: 'stopped', iteration: 4, reason: 'enough' });
    const seen: unknown[] = [];
    const skipping = new TrainerBase({
      step: ({ iteration }) => (iteration === 1 ? Number.NaN : 1),
      maxIterations: 3,
      plugins: [
        callback({
          stepFailed: (error, { iteration }) => {
            seen.push((error as { code?: string }).code, iteration);
            return 'skip';
          },
        }),
      ],
      logger,
    });
    expect(await skipping.train()).toMatchObject({ status: 'completed' });
    expect(seen).toEqual(['HKL_LOSS_NOT_FINITE', 1]);
  });

  it('saves and loads data of its own in a checkpoint', async () => {
    const output = temporaryFolder();
    let loaded: unknown;
    const plugins = [
      callback({
        saveState: (checkpoint) => checkpoint.set('mine', { answer: 42 }),
        loadState: (checkpoint) => void (loaded = checkpoint.get('mine')?.data),
      }),
    ];
    const trainer = new TrainerBase({ step, maxIterations: 1, plugins, output, logger });
    await trainer.prepare();
    await trainer.load(await trainer.checkpoints.save('here'));
    expect(loaded).toEqual({ answer: 42 });
  });

  it('runs before whoever writes, wherever it is listed', async () => {
    const written: unknown[] = [];
    const writer = definePlugin({
      name: 'writer',
      version: '1.0.0',
      provides: ['writing'],
      requires: { storage: storageRef },
      setup: ({ hooks, storage }) => hooks.afterTrain.tap(() => void written.push(storage.latest().get('last')?.value)),
    });
    const late = callback({ afterTrain: (_, { storage }) => storage.putScalar('last', 7) });
    await new TrainerBase({ step, maxIterations: 1, plugins: [writer(), late], logger }).train();
    expect(written).toEqual([7]);
  });

  it('taps only the hooks it has callbacks for', async () => {
    const { plugins } = await trainerWith({ afterTrain: () => undefined }).describe();
    expect(plugins[0]?.taps).toEqual(['afterTrain']);
  });

  it('names the hook and the iteration when a callback throws', async () => {
    const trainer = trainerWith({
      afterStep: ({ iteration }) => {
        if (iteration === 1) throw new Error('broken');
      },
    });
    await expect(trainer.train()).rejects.toThrow(
      /\[HKL_PLUGIN_FAILED\] @hookline\/plugin-callback: its tap failed: broken \(hook afterStep, iteration 1\)/,
    );
  });

  it('refuses unknown hooks and what is no function', async () => {
    await expect(trainerWith({ afterStepp: () => undefined } as never).train()).rejects.toThrow(
      /it has no option "afterStepp".*Did you mean "afterStep"/,
    );
    await expect(trainerWith({ afterStep: 3 } as never).train()).rejects.toThrow(/option "afterStep": give a function/);
  });
});
