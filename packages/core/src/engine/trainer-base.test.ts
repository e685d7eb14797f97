import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provide } from '../container/provider.ts';
import { defineHooks, defineService } from '../container/service-ref.ts';
import { asyncSeries } from '../hooks/hook-spec.ts';
import type { Outcome } from '../hooks/hook-table.ts';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin, PluginParts } from '../plugin/plugin.ts';
import { controlRef } from '../services/control.ts';
import { checkpointsRef, randomRef, storageRef } from '../services/core-services.ts';
import { ConsoleLogger } from '../services/logger.ts';
import { trainerRef } from '../services/trainer-handle.ts';
import { TrainerBase } from './trainer-base.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const falling = ({ iteration }: { iteration: number }) => 1 / (iteration + 1);
const requires = { storage: storageRef, control: controlRef, trainer: trainerRef };
type Setup = (context: never) => PluginParts | void;

/** A plugin of one test. */
const plugin = (name: string, setup: Setup, order: { after?: string[] } = {}): Plugin =>
  definePlugin({ name, version: '1.0.0', requires, ...order, setup: setup as never })();

/** Writes down every phase with what storage and trainer say of the iteration. */
const scribe = (log: string[], name = 'scribe') =>
  definePlugin({
    name,
    version: '1.0.0',
    requires,
    setup({ hooks, storage, trainer }) {
      const note = (phase: string) => void log.push(`${phase} ${storage.iteration}=${trainer.iteration}`);
      hooks.beforeTrain.tap(() => note('beforeTrain'));
      hooks.beforeStep.tap(() => note('beforeStep'));
      hooks.afterStep.tap(() => note('afterStep'));
      hooks.afterTrain.tap(({ status }) => note(`afterTrain(${status})`));
      return { dispose: () => void log.push('dispose') };
    },
  })();

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookline-core-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the loop', () => {
  it('runs every phase in order, with one iteration for storage and trainer, and ends at max', async () => {
    const log: string[] = [];
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [scribe(log)], logger });
    expect(await trainer.train()).toEqual({ status: 'completed', iteration: 2 });
    expect(log).toEqual([
      'beforeTrain 0=0',
      'beforeStep 0=0',
      'afterStep 0=0',
      'beforeStep 1=1',
      'afterStep 1=1',
      'afterTrain(completed) 2=2',
      'dispose',
    ]);
    expect(trainer.iteration).toBe(2);
    expect(trainer.storage.history('total_loss').values()).toEqual([
      { value: 1, iteration: 0 },
      { value: 0.5, iteration: 1 },
    ]);
  });

  it('stores losses by name and their sum', async () => {
    const trainer = new TrainerBase({ step: () => ({ loss_cls: 1, loss_box: 2 }), maxIterations: 1, logger });
    await trainer.train();
    const latest = Object.fromEntries([...trainer.storage.latest()].map(([name, { value }]) => [name, value]));
    expect(latest).toMatchObject({ loss_cls: 1, loss_box: 2, total_loss: 3 });
  });

  it('ends gracefully when asked, also before the first step', async () => {
    const stopAt = (at: number) =>
      plugin('stopper', (({ hooks, control }: { hooks: never; control: { stop(r: string): void } }) => {
        const { beforeTrain, afterStep } = hooks as {
          beforeTrain: { tap(f: () => void): void };
          afterStep: { tap(f: (s: { iteration: number }) => void): void };
        };
        if (at < 0) beforeTrain.tap(() => control.stop('enough'));
        else afterStep.tap(({ iteration }) => iteration === at && control.stop('enough'));
      }) as Setup);
    const early = new TrainerBase({ step: falling, maxIterations: 9, plugins: [stopAt(-1)], logger });
    expect(await early.train()).toEqual({ status: 'stopped', iteration: 0, reason: 'enough' });
    const later = new TrainerBase({ step: falling, maxIterations: 9, plugins: [stopAt(3)], logger });
    expect(await later.train()).toEqual({ status: 'stopped', iteration: 4, reason: 'enough' });
    const outside = new TrainerBase({ step: falling, maxIterations: 9, logger });
    outside.stop('not today');
    expect(await outside.train()).toMatchObject({ status: 'stopped', iteration: 0, reason: 'not today' });
    expect(await outside.train()).toMatchObject({ status: 'completed' });
  });

  it('trains on when called again with a later end; plugins are set up anew and keep their state', async () => {
    let setups = 0;
    const counter = definePlugin({
      name: 'counter',
      version: '1.0.0',
      requires: { storage: storageRef },
      setup({ hooks, storage }) {
        setups++;
        let steps = 0;
        hooks.afterStep.tap(() => storage.putScalar('steps', ++steps));
        return { state: { save: () => steps, load: (saved) => void (steps = Number(saved)) } };
      },
    });
    const trainer = new TrainerBase({ step: falling, maxIterations: 3, plugins: [counter()], logger });
    await trainer.train();
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_NOTHING_TO_TRAIN' });
    await trainer.train({ maxIterations: 5 });
    expect(setups).toBe(2);
    expect(trainer.storage.latest().get('steps')).toMatchObject({ value: 5, iteration: 4 });
  });

  it('refuses a second call while the first is running, and counts that are none', async () => {
    const trainer = new TrainerBase({ step: async () => 1, maxIterations: 2, logger });
    const first = trainer.train();
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_TRAIN_TWICE' });
    await first;
    expect(() => new TrainerBase({ step: falling, maxIterations: 1.5 })).toThrow(
      /maxIterations must be a whole number/,
    );
    await expect(new TrainerBase({ maxIterations: 1, logger }).train()).rejects.toMatchObject({
      code: 'HKL_STEP_MISSING',
    });
  });
});

describe('errors', () => {
  const phases = ['beforeTrain', 'beforeStep', 'afterStep', 'afterTrain'] as const;

  it.each(phases)(
    'a tap that throws in %s ends the run, runs afterTrain and every disposer, and arrives with its name',
    async (phase) => {
      const log: string[] = [];
      const bad = plugin('bad', (({ hooks }: { hooks: Record<string, { tap(fn: () => void): void }> }) => {
        hooks[phase]?.tap(() => {
          throw new Error('broken');
        });
        return { dispose: () => void log.push('dispose bad') };
      }) as Setup);
      const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [bad, scribe(log)], logger });
      await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_PLUGIN_FAILED', plugin: 'bad', hook: phase });
      expect(log.slice(-2)).toEqual(['dispose', 'dispose bad']);
      if (phase !== 'afterTrain') expect(log.at(-3)).toMatch(/^afterTrain\(failed\)/);
      expect(trainer.iteration).toBe(phase === 'afterTrain' ? 2 : 0);
    },
  );

  it('never masks the first error when closing fails as well', async () => {
    const failing = (name: string) =>
      plugin(name, (({ hooks }: { hooks: Record<string, { tap(fn: () => void): void }> }) => {
        hooks['afterTrain']?.tap(() => {
          throw new Error(`${name} in afterTrain`);
        });
        return {
          dispose: () => {
            throw new Error(`${name} in dispose`);
          },
        };
      }) as Setup);
    const step = () => {
      throw new Error('the step');
    };
    const trainer = new TrainerBase({ step, maxIterations: 1, plugins: [failing('a'), failing('b')], logger });
    const error = (await trainer.train().catch((caught: unknown) => caught)) as AggregateError;
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toMatch(/^the step \(and 3 more/);
    expect(error.errors.map(String)).toEqual([
      expect.stringContaining('the step'),
      expect.stringContaining('a in afterTrain'),
      expect.stringContaining('b in dispose'),
      expect.stringContaining('a in dispose'),
    ]);
  });

  it('gives up on a disposer that hangs', async () => {
    const hanging = plugin('hanging', (() => ({ dispose: () => new Promise(() => undefined) })) as Setup);
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [hanging],
      disposeTimeout: 20,
      logger,
    });
    await expect(trainer.train()).rejects.toThrow(/\[HKL_DISPOSE_FAILED\] hanging: .*not done after 20 ms/);
  });

  it('lets a plugin handle a failed step: go on without it, or stop', async () => {
    const handler = (action: 'skip' | 'stop') =>
      plugin('handler', (({ hooks }: { hooks: { stepFailed: { tap(fn: () => string): void } } }) =>
        hooks.stepFailed.tap(() => action)) as Setup);
    const step = ({ iteration }: { iteration: number }) => {
      if (iteration === 1) throw new Error('unlucky');
      return 1;
    };
    const skipping = new TrainerBase({ step, maxIterations: 3, plugins: [handler('skip')], logger });
    expect(await skipping.train()).toMatchObject({ status: 'completed', iteration: 3 });
    expect(
      skipping.storage
        .history('total_loss')
        .values()
        .map(({ iteration }) => iteration),
    ).toEqual([0, 2]);
    const stopping = new TrainerBase({ step, maxIterations: 3, plugins: [handler('stop')], logger });
    expect(await stopping.train()).toMatchObject({ status: 'stopped', reason: 'step 1 failed: unlucky' });
  });

  it('refuses a loss that is not finite and results that are no losses', async () => {
    const nan = new TrainerBase({ step: () => ({ a: 1, b: NaN }), maxIterations: 1, logger });
    await expect(nan.train()).rejects.toThrow(/\[HKL_LOSS_NOT_FINITE\].*a: 1, b: NaN.*iteration 0/);
    const odd = new TrainerBase({ step: (() => 'fine') as never, maxIterations: 1, logger });
    await expect(odd.train()).rejects.toMatchObject({ code: 'HKL_STEP_RESULT' });
  });

  it('tears down what was set up when a later setup fails', async () => {
    const log: string[] = [];
    const broken = plugin('broken', () => {
      throw new Error('no');
    });
    const trainer = new TrainerBase({ step: falling, maxIterations: 1, plugins: [scribe(log), broken], logger });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_SETUP_FAILED', who: 'broken' });
    expect(log).toEqual(['dispose']);
  });
});

describe('services and hooks of others', () => {
  it('resolves services that plugins and users provide, and hooks that plugins add', async () => {
    const greeting = defineService<string>('greeting', { description: 'a word' });
    const ticks = defineHooks('ticker', { tick: asyncSeries<[n: number]>(['n'], 'each step') });
    const ticker = definePlugin({
      name: 'ticker',
      version: '1.0.0',
      hooks: ticks,
      setup({ hooks, own }) {
        hooks.afterStep.tap(({ iteration }) => own.tick.call(iteration));
      },
    });
    const heard: string[] = [];
    const listener = definePlugin({
      name: 'listener',
      version: '1.0.0',
      requires: { greeting, ticks },
      setup({ greeting: word, ticks: { tick } }) {
        tick.tap((n) => void heard.push(`${word} ${n}`));
      },
    });
    const services = [provide(greeting, () => 'tick')];
    await new TrainerBase({
      step: falling,
      maxIterations: 2,
      plugins: [listener(), ticker()],
      services,
      logger,
    }).train();
    expect(heard).toEqual(['tick 0', 'tick 1']);
    const without = new TrainerBase({ step: falling, maxIterations: 2, plugins: [listener()], services, logger });
    await expect(without.train()).rejects.toThrow(
      /\[HKL_HOOKS_MISSING\] listener: no plugin here owns the hooks "ticker"/,
    );
  });

  it('describes plugins, hooks and services as plain data', async () => {
    const trainer = new TrainerBase({ step: falling, maxIterations: 1, plugins: [scribe([])], logger });
    const description = await trainer.describe();
    expect(description.plugins).toMatchObject([
      {
        id: 'scribe',
        position: 1,
        addedBy: 'you',
        taps: ['beforeTrain', 'beforeStep', 'afterStep', 'afterTrain'],
        requires: ['storage', 'control', 'trainer'],
      },
    ]);
    expect(description.hooks.find(({ name }) => name === 'gradients')).toMatchObject({
      kind: 'SyncWaterfall',
      taps: [],
    });
    expect(JSON.parse(JSON.stringify(description)).services).toContainEqual(
      expect.objectContaining({ id: 'stepRunner', providedBy: 'trainer' }),
    );
  });
});

describe('state', () => {
  const walker = () =>
    definePlugin({
      name: 'walker',
      version: '1.0.0',
      requires: { storage: storageRef, random: randomRef },
      setup({ hooks, storage, random }) {
        let sum = 0;
        hooks.afterStep.tap(() => storage.putScalar('walk', (sum += random.normal())));
        return { state: { version: 3, save: () => sum, load: (data) => void (sum = Number(data)) } };
      },
    })();
  const saver = (at: number) =>
    definePlugin({
      name: 'saver',
      version: '1.0.0',
      requires: { checkpoints: checkpointsRef },
      setup({ hooks, checkpoints }) {
        hooks.afterStep.tap(async ({ iteration }) => void (iteration === at && (await checkpoints.save('halfway'))));
      },
    })();

  it('resumes iteration, streams, plugin state and histories exactly', async () => {
    const whole = new TrainerBase({
      step: falling,
      maxIterations: 10,
      seed: 7,
      plugins: [walker(), saver(4)],
      output: dir,
      logger,
    });
    await whole.train();
    const resumed = new TrainerBase({
      step: falling,
      maxIterations: 10,
      seed: 99,
      plugins: [walker(), saver(-1)],
      output: dir,
      logger,
    });
    expect(await resumed.resumeOrLoad()).toBe(join(dir, 'halfway.safetensors'));
    expect(resumed.iteration).toBe(5);
    await resumed.train();
    expect(resumed.storage.history('walk').values()).toEqual(whole.storage.history('walk').values());
  });

  it('says which state is missing or left over', async () => {
    await new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [walker(), saver(0)],
      output: dir,
      logger,
    }).train();
    const lines: string[] = [];
    const talkative = new ConsoleLogger({ stream: { write: (text) => lines.push(text) } });
    const other = new TrainerBase({ step: falling, maxIterations: 2, plugins: [], output: dir, logger: talkative });
    await other.resumeOrLoad();
    expect(lines.join('')).toMatch(/the state of walker in .*halfway\.safetensors is ignored: no such plugin here/);
  });

  it('begins anew with weights only, or when there is nothing to resume', async () => {
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [saver(0)], output: dir, logger });
    expect(await trainer.resumeOrLoad()).toBeUndefined();
    await trainer.train();
    const next = new TrainerBase({ step: falling, maxIterations: 2, output: dir, logger });
    await next.resumeOrLoad({ resume: false, weights: join(dir, 'halfway.safetensors') });
    expect(next.iteration).toBe(0);
  });

  it('finds out before the first step that the output folder cannot be written', async () => {
    await writeFile(join(dir, 'file'), 'in the way');
    let steps = 0;
    const trainer = new TrainerBase({
      step: () => ++steps,
      maxIterations: 2,
      plugins: [saver(0)],
      output: join(dir, 'file', 'run'),
      logger,
    });
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_OUTPUT_UNWRITABLE' });
    expect(steps).toBe(0);
  });

  it('leaves a checkpoint and the trainer alone when a file is no checkpoint', async () => {
    await writeFile(join(dir, 'foreign.safetensors'), 'not a checkpoint');
    const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [walker()], output: dir, logger });
    await expect(trainer.load(join(dir, 'foreign.safetensors'))).rejects.toMatchObject({
      code: expect.stringMatching(/^HKL_/),
    });
    expect(trainer.iteration).toBe(0);
    expect(((await trainer.train()) satisfies Outcome).status).toBe('completed');
    expect(await readFile(join(dir, 'foreign.safetensors'), 'utf8')).toBe('not a checkpoint');
  });
});
