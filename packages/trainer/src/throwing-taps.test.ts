import { definePlugin, HOOK_TABLE, type Plugin, PluginError } from '@hookline/core';
import { presetDefault } from '@hookline/preset-default';
import { selectDevice, stepScopeRef, tf } from '@hookline/tfjs';
import { isHere, MODES } from './all-plugins.test.support.ts';
import { failure, pointsTrainer } from './points-trainer.test.support.ts';
import type { SimpleTrainer, SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

const make = (options: Partial<SimpleTrainerOptions> = {}): SimpleTrainer => pointsTrainer({ output: dir, ...options });

/** The first error of several, if closing failed as well. */
const first = (error: Error): Error => (error instanceof AggregateError ? (error.errors[0] as Error) : error);

/** Makes the loss NaN at one iteration. */
const spoiler = (at: number): Plugin =>
  definePlugin({
    name: 'spoiler',
    version: '1.0.0',
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      const factor = scope.value.input('spoiler/factor', () => (iteration === at ? Number.NaN : 1));
      hooks.beforeStep.tap((step) => void (iteration = step.iteration));
      hooks.losses.tap((losses) =>
        Object.fromEntries(Object.entries(losses).map(([name, value]) => [name, tf.mul(value, factor.tensor())])),
      );
    },
  })();

describe.each(MODES)('a tap that throws, capture %s,', (capture) => {
  const AT = 2;

  /** Throws in one hook, from the third step on, while it holds tensors of its own. */
  const thrower = (hook: string): Plugin =>
    definePlugin({
      name: 'thrower',
      version: '1.0.0',
      setup({ hooks }) {
        let steps = 0;
        // Taps of other hooks return nothing, because the result of a tap of `update` would decide about the update.
        const { kind } = HOOK_TABLE[hook as keyof typeof HOOK_TABLE];
        const passes = kind.endsWith('Waterfall');
        hooks.beforeStep.tap(() => void steps++);
        (hooks as unknown as Record<string, { tap(fn: unknown): void }>)[hook]?.tap((value: unknown) => {
          if (steps <= AT && !['beforeTrain', 'loadState'].includes(hook)) return passes ? value : undefined;
          throw new Error(`broken in ${hook}`);
        });
      },
    })();
  /** Records whether the plugin was disposed of. */
  const witness = (name: string, log: string[]): Plugin =>
    definePlugin({ name, version: '1.0.0', setup: () => ({ dispose: () => void log.push(name) }) })();

  it.each(Object.keys(HOOK_TABLE))('in %s is named, and leaves no tensor and no plugin behind', async (hook) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const before = tf.memory().numTensors;
    const log: string[] = [];
    const isInStep = HOOK_TABLE[hook as keyof typeof HOOK_TABLE].kind.startsWith('Sync');
    const spoilt = hook === 'stepFailed' ? [spoiler(AT)] : [];
    const trainer = make({
      capture,
      plugins: [
        witness('earlier', log),
        ...spoilt,
        presetDefault({
          checkpointer: { period: 3 },
          evaluator: { period: 3, evaluate: () => ({ accuracy: 1 }) },
          writers: { tensorboard: false },
        }),
        thrower(hook),
        witness('later', log),
      ],
    });
    const attempt = async (): Promise<unknown> => {
      if (hook !== 'loadState') return trainer.train();
      await trainer.prepare();
      return trainer.load(await trainer.checkpoints.save('some'));
    };
    const error = await failure(attempt());
    if (hook === 'loadState') await trainer.close();
    if (hook === 'stepFailed') {
      expect(first(error)).toMatchObject({ code: 'HKL_LOSS_NOT_FINITE' });
      expect((error as AggregateError).errors[1]).toMatchObject({ plugin: 'thrower', hook, iteration: AT });
    } else {
      let named = first(error);
      // The plugin that saves or evaluates calls the hook, and is named as well.
      while (named.cause instanceof PluginError) named = named.cause;
      expect(named).toMatchObject({ code: 'HKL_PLUGIN_FAILED', plugin: 'thrower', hook });
      expect(named.message).toContain(`[HKL_PLUGIN_FAILED] thrower: its tap failed: broken in ${hook} (hook ${hook}`);
      if (isInStep) expect(named).toMatchObject({ iteration: capture === 'off' ? AT : expect.any(Number) });
    }
    expect(log).toEqual(['later', 'earlier']);
    await trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
