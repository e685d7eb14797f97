import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin } from '../plugin/define-plugin.ts';
import type { Plugin, SetupResult } from '../plugin/plugin.ts';
import { storageRef } from '../services/core-services.ts';
import { falling, requires, scribe, silent as logger } from './scribe.test.support.ts';
import { TrainerBase } from './trainer-base.ts';

type Setup = (context: never) => SetupResult | void;

/** A plugin of one test. */
const plugin = (name: string, setup: Setup, order: { after?: string[] } = {}): Plugin =>
  definePlugin({ name, version: '1.0.0', requires, ...order, setup })();

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

  it('lets others run between a step and its afterStep, so that what they take counts as the step', async () => {
    const log: string[] = [];
    const step = (): number => {
      setImmediate(() => log.push('elsewhere'));
      return 1;
    };
    const options = { step, maxIterations: 1, plugins: [scribe(log)], logger };
    await new TrainerBase({ ...options, yieldAfter: 0 }).train();
    expect(log.slice(1, 4)).toEqual(['beforeStep 0=0', 'elsewhere', 'afterStep 0=0']);
  });

  it('stores losses by name and their sum', async () => {
    const trainer = new TrainerBase({ step: () => ({ loss_cls: 1, loss_box: 2 }), maxIterations: 1, logger });
    await trainer.train();
    const latest = Object.fromEntries([...trainer.storage.latest()].map(([name, { value }]) => [name, value]));
    expect(latest).toMatchObject({ loss_cls: 1, loss_box: 2, total_loss: 3 });
  });

  it('takes a step without a loss', async () => {
    const trainer = new TrainerBase({ step: ({ iteration }) => (iteration < 2 ? {} : 1), maxIterations: 3, logger });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
    expect(trainer.storage.history('total_loss').values()).toEqual([{ value: 1, iteration: 2 }]);
  });

  it('ends gracefully when asked, also before the first step', async () => {
    const stopAt = (at: number) =>
      plugin('stopper', ({ hooks, control }: { hooks: never; control: { stop(r: string): void } }) => {
        const { beforeTrain, afterStep } = hooks as {
          beforeTrain: { tap(f: () => void): void };
          afterStep: { tap(f: (s: { iteration: number }) => void): void };
        };
        if (at < 0) beforeTrain.tap(() => control.stop('enough'));
        else afterStep.tap(({ iteration }) => iteration === at && control.stop('enough'));
      });
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

  it('sets plugins up once for two who ask at the same time', async () => {
    const log: string[] = [];
    const trainer = new TrainerBase({ step: falling, maxIterations: 1, plugins: [scribe(log)], logger });
    const [first, second] = await Promise.all([trainer.describe(), trainer.describe()]);
    expect(first).toEqual(second);
    await trainer.close();
    expect(log).toEqual(['dispose']);
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
      const bad = plugin('bad', ({ hooks }: { hooks: Record<string, { tap(fn: () => void): void }> }) => {
        hooks[phase]?.tap(() => {
          throw new Error('broken');
        });
        return { dispose: () => void log.push('dispose bad') };
      });
      const trainer = new TrainerBase({ step: falling, maxIterations: 2, plugins: [bad, scribe(log)], logger });
      await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_PLUGIN_FAILED', plugin: 'bad', hook: phase });
      expect(log.slice(-2)).toEqual(['dispose', 'dispose bad']);
      if (phase !== 'afterTrain') expect(log.at(-3)).toMatch(/^afterTrain\(failed\)/);
      expect(trainer.iteration).toBe(phase === 'afterTrain' ? 2 : 0);
    },
  );

  it('in afterStep leaves the step done: it is counted, and the next call of train goes on behind it', async () => {
    let fails = true;
    const steps: number[] = [];
    const clumsy = plugin(
      'clumsy',
      ({ hooks }: { hooks: Record<string, { tap(fn: (step: unknown) => void): void }> }) =>
        hooks['afterStep']?.tap((step) => {
          if ((step as { iteration: number }).iteration !== 1 || !fails) return;
          fails = false;
          throw new Error('broken');
        }),
    );
    const outcomes: unknown[] = [];
    const watch = plugin(
      'watch',
      ({ hooks }: { hooks: Record<string, { tap(fn: (outcome: unknown) => void): void }> }) =>
        hooks['afterTrain']?.tap((outcome) => void outcomes.push(outcome)),
    );
    const step = ({ iteration }: { iteration: number }) => {
      steps.push(iteration);
      return 1;
    };
    const trainer = new TrainerBase({ step, maxIterations: 4, plugins: [clumsy, watch], logger });
    await expect(trainer.train()).rejects.toMatchObject({ plugin: 'clumsy', iteration: 1 });
    expect(trainer.iteration).toBe(1);
    await trainer.train();
    expect(outcomes).toMatchObject([
      { status: 'failed', iteration: 2 },
      { status: 'completed', iteration: 4 },
    ]);
    expect(steps).toEqual([0, 1, 2, 3]);
  });

  it('never masks the first error when closing fails as well', async () => {
    const failing = (name: string) =>
      plugin(name, ({ hooks }: { hooks: Record<string, { tap(fn: () => void): void }> }) => {
        hooks['afterTrain']?.tap(() => {
          throw new Error(`${name} in afterTrain`);
        });
        return {
          dispose: () => {
            throw new Error(`${name} in dispose`);
          },
        };
      });
    const step = () => {
      throw new Error('the step');
    };
    const trainer = new TrainerBase({ step, maxIterations: 1, plugins: [failing('a'), failing('b')], logger });
    const error = (await trainer.train().catch((caught: unknown) => caught)) as AggregateError;
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toMatch(/^the step \(and 4 more/);
    expect(error.errors.map(String)).toEqual([
      expect.stringContaining('the step'),
      expect.stringContaining('a in afterTrain'),
      expect.stringContaining('b in afterTrain'),
      expect.stringContaining('b in dispose'),
      expect.stringContaining('a in dispose'),
    ]);
  });

  it('gives up on a disposer that hangs', async () => {
    const hanging = plugin('hanging', () => ({ dispose: () => new Promise(() => undefined) }));
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [hanging],
      disposeTimeout: 20,
      logger,
    });
    await expect(trainer.train()).rejects.toThrow(/\[HKL_DISPOSE_FAILED\] hanging: .*not done after 20 ms/);
  });

  it('waits without a limit for closing where the limit is Infinity', async () => {
    const slow = plugin('slow', () => ({ dispose: () => sleep(30) }));
    const trainer = new TrainerBase({
      step: falling,
      maxIterations: 1,
      plugins: [slow],
      disposeTimeout: Infinity,
      logger,
    });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
  });

  it('neither loads nor closes while it trains', async () => {
    const refused: unknown[] = [];
    const trainer: TrainerBase = new TrainerBase({
      maxIterations: 1,
      step: async () => {
        for (const attempt of [trainer.load('x.safetensors'), trainer.close()])
          await attempt.catch((error: unknown) => refused.push(error));
        return 1;
      },
      logger,
    });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
    expect(refused).toMatchObject([
      { code: 'HKL_TRAIN_TWICE', who: 'load' },
      { code: 'HKL_TRAIN_TWICE', who: 'close' },
    ]);
  });

  it('lets a plugin handle a failed step: go on without it, or stop', async () => {
    const handler = (action: 'skip' | 'stop') =>
      plugin('handler', ({ hooks }: { hooks: { stepFailed: { tap(fn: () => string): void } } }) =>
        hooks.stepFailed.tap(() => action),
      );
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

  it('never masks the error of a step by that of the tap that was to handle it', async () => {
    const step = () => {
      throw new Error('the step');
    };
    const clumsy = plugin('clumsy', ({ hooks }: { hooks: { stepFailed: { tap(fn: () => void): void } } }) =>
      hooks.stepFailed.tap(() => {
        throw new Error('the handler');
      }),
    );
    const trainer = new TrainerBase({ step, maxIterations: 1, plugins: [clumsy], logger });
    const error = (await trainer.train().catch((caught: unknown) => caught)) as AggregateError;
    expect(error.message).toBe('the step (and 1 more: see errors)');
    expect(error.errors).toMatchObject([
      { message: 'the step' },
      { code: 'HKL_PLUGIN_FAILED', plugin: 'clumsy', hook: 'stepFailed', iteration: 0 },
    ]);
  });

  it('refuses a loss that is not finite and results that are no losses', async () => {
    const nan = new TrainerBase({ step: () => ({ a: 1, b: NaN }), maxIterations: 1, logger });
    await expect(nan.train()).rejects.toThrow(/\[HKL_LOSS_NOT_FINITE\].*a: 1, b: NaN.*iteration 0/);
    await expect(nan.train()).rejects.toThrow('weights by then, they may hold NaN as well');
    const total = new TrainerBase({ step: () => ({ losses: { a: 1 }, totalLoss: NaN }), maxIterations: 1, logger });
    await expect(total.train()).rejects.toThrow(/a: 1, total_loss: NaN/);
    class Scalar {
      readonly shape = [];
    }
    const unread = new TrainerBase({ step: () => new Scalar() as never, maxIterations: 1, logger });
    await expect(unread.train()).rejects.toThrow(/returned an object of class Scalar.*await tensor\.data\(\)/);
    const odd = new TrainerBase({ step: (() => 'fine') as never, maxIterations: 1, logger });
    await expect(odd.train()).rejects.toMatchObject({ code: 'HKL_STEP_RESULT' });
    for (const losses of [null, 'x', { a: 'x' }]) {
      const wrong = new TrainerBase({ step: (() => ({ losses })) as never, maxIterations: 1, logger });
      await expect(wrong.train()).rejects.toMatchObject({ code: 'HKL_STEP_RESULT' });
    }
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
