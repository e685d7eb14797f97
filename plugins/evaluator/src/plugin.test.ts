import { readFile } from 'node:fs/promises';
import {
  controlRef,
  definePlugin,
  type PluginInput,
  storageRef,
  TrainerBase,
  type DatasetEvaluator,
} from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyBatches, tinyTraining } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import type { EvaluatorOptions } from './options.ts';
import { evaluator } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

const step = ({ iteration }: { iteration: number }) => 1 / (iteration + 1);

/** A trainer without tensors that notes when it evaluates. */
function bare(options: EvaluatorOptions, plugins: PluginInput[] = [], maxIterations = 6) {
  const calls: number[] = [];
  const evaluate = ({ step: { iteration } }: { step: { iteration: number } }) => {
    calls.push(iteration);
    return { score: iteration * 10 };
  };
  const trainer = new TrainerBase({
    step,
    maxIterations,
    plugins: [evaluator({ evaluate, ...options }), ...plugins],
    logger: new RecordingLogger(),
    handleSignals: false,
  });
  return { trainer, calls };
}

const doing = (what: (iteration: number, stop: (reason: string) => void) => void) =>
  definePlugin({
    name: 'doing',
    version: '1.0.0',
    after: ['evaluation'],
    requires: { control: controlRef },
    setup({ hooks, control }) {
      hooks.afterStep.tap(({ iteration }) => what(iteration, (reason) => control.stop(reason)));
    },
  })();

/** Mean squared error of what the model predicts. */
class SquaredError implements DatasetEvaluator {
  #sum = 0;
  #count = 0;
  reset(): void {
    this.#sum = this.#count = 0;
  }
  async process(batch: unknown, outputs: unknown): Promise<void> {
    const wanted = await (batch as { y: tf.Tensor }).y.data();
    const found = await (outputs as tf.Tensor).data();
    found.forEach((value, i) => (this.#sum += (value - (wanted[i] ?? NaN)) ** 2));
    this.#count += found.length;
  }
  evaluate() {
    return { mse: this.#sum / this.#count };
  }
}

describe('evaluator', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(evaluator.definition).toMatchObject({ name, version });
  });

  it.each([
    [{ period: 2 }, [1, 3, 5]],
    [{ period: 4 }, [3, 5]],
    [{ period: 4, evalAfterTrain: false }, [3]],
    [{ period: 3, evalAfterTrain: false }, [2, 5]],
    [{}, [5]],
    [{ evalAfterTrain: false }, []],
  ])('evaluates at its period, and once at the end unless told otherwise: %j', async (options, expected) => {
    const { trainer, calls } = bare(options);
    const outcome = await trainer.train();
    expect(calls).toEqual(expected);
    if (expected.length === 0) return;
    expect(outcome.results).toEqual({ score: (expected.at(-1) ?? NaN) * 10 });
    expect(trainer.storage.history('score').values()).toEqual(
      expected.map((iteration) => ({ iteration, value: iteration * 10 })),
    );
    expect(trainer.storage.smoothingHints().get('score')).toBe(false);
  });

  it('works again in a second call of train', async () => {
    const { trainer, calls } = bare({ period: 4 });
    await trainer.train();
    await trainer.train({ maxIterations: 10 });
    expect(calls).toEqual([3, 5, 7, 9]);
  });

  it('stores before writers look, also at the last step', async () => {
    const seen: unknown[] = [];
    const writer = definePlugin({
      name: 'writer',
      version: '1.0.0',
      provides: ['writing'],
      requires: { storage: storageRef },
      setup: ({ hooks, storage }) =>
        hooks.afterStep.tap(({ iteration }) => void seen.push([iteration, storage.latest().get('score')?.value])),
    })();
    const trainer = new TrainerBase({
      step,
      maxIterations: 4,
      plugins: [writer, evaluator({ period: 2, evaluate: ({ step: { iteration } }) => ({ score: iteration }) })],
      logger: new RecordingLogger(),
    });
    await trainer.train();
    expect(seen).toEqual([
      [0, undefined],
      [1, 1],
      [2, 1],
      [3, 3],
    ]);
  });

  it('evaluates a training that was stopped, and once only', async () => {
    const stopAt = (at: number) => doing((iteration, stop) => iteration === at && stop('enough'));
    const early = bare({ period: 3 }, [stopAt(3)]);
    expect(await early.trainer.train()).toMatchObject({ status: 'stopped', results: { score: 30 } });
    // At the last step that was done.
    expect(early.calls).toEqual([2, 3]);
    const hit = bare({ period: 3 }, [stopAt(2)]);
    await hit.trainer.train();
    expect(hit.calls).toEqual([2]);
    const never = bare({ period: 3 });
    never.trainer.stop('not today');
    await never.trainer.train();
    expect(never.calls).toEqual([]);
  });

  it('never evaluates after a crash or an interrupt', async () => {
    const crash = bare({ period: 4 }, [
      doing((iteration) => {
        if (iteration === 4) throw new Error('boom');
      }),
    ]);
    await expect(crash.trainer.train()).rejects.toThrow('boom');
    expect(crash.calls).toEqual([3]);
    const calls: number[] = [];
    const interrupted = new TrainerBase({
      step: ({ iteration }) => {
        if (iteration === 2) process.emit('SIGINT');
        return 1;
      },
      maxIterations: 6,
      plugins: [evaluator({ evaluate: ({ step: { iteration } }) => void calls.push(iteration) })],
      logger: new RecordingLogger(),
    });
    expect(await interrupted.train()).toMatchObject({ status: 'interrupted' });
    expect(calls).toEqual([]);
  });

  it('evaluates at the end also when the last step was skipped', async () => {
    const calls: number[] = [];
    const skipping = definePlugin({
      name: 'skipping',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.stepFailed.tap(() => 'skip'),
    })();
    const trainer = new TrainerBase({
      step: ({ iteration }) => (iteration === 3 ? NaN : 1),
      maxIterations: 4,
      plugins: [skipping, evaluator({ evaluate: ({ step: { iteration } }) => void calls.push(iteration) })],
      logger: new RecordingLogger(),
    });
    await trainer.train();
    expect(calls).toEqual([3]);
  });

  it('runs everybody who taps evaluate, and several evaluators as one', async () => {
    const calls: string[] = [];
    const other = definePlugin({
      name: 'other',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.evaluate.tap((results) => ({ ...results, other: { size: Object.keys(results).length } }));
      },
    })();
    const named = (name: string, period: number) =>
      evaluator(
        {
          period,
          name,
          evaluate: ({ step: { iteration } }) => {
            calls.push(`${name}${iteration}`);
            return { score: iteration };
          },
        },
        { instance: name },
      );
    const trainer = new TrainerBase({
      step,
      maxIterations: 6,
      plugins: [named('a', 2), named('b', 3), other],
      logger: new RecordingLogger(),
    });
    const { results } = await trainer.train();
    expect(calls).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'a5', 'b5']);
    expect(results).toEqual({ a: { score: 5 }, b: { score: 5 }, other: { size: 2 } });
    expect(trainer.storage.history('other/size').values()).toHaveLength(4);
  });

  it.each([
    [() => ({ a: { b: 'x' } }), 'the results hold "a/b": "x", which is no number with a name'],
    [() => 'good', 'the results hold "good"'],
    [() => 3, 'the results hold'],
  ])('refuses results that are no numbers: %p', async (evaluate, message) => {
    const { trainer } = bare({ evaluate: evaluate as never });
    await expect(trainer.train()).rejects.toThrow(message);
  });

  it.each([
    [{ period: -1 }, 'HKL_OPTION_INVALID'],
    [{ loader: [] }, 'evaluators and loader go together'],
    [{ evaluators: [] }, 'must be one evaluator or several'],
    [{ evaluators: { reset() {} } }, 'must be one evaluator or several'],
    [{ evaluate: 3 }, 'must be a function'],
  ])('refuses options that make no sense: %p', async (options, message) => {
    await expect(bare(options as never).trainer.prepare()).rejects.toThrow(message);
  });

  it('evaluates a model on a data set, in eval mode', async () => {
    const judge = () => evaluator({ period: 4, name: 'tiny', loader: tinyBatches, evaluators: [new SquaredError()] });
    const trainer = tinyTraining({ plugins: [judge()], maxIterations: 12 });
    await trainer.train();
    const history = trainer.storage.history('tiny/mse').values();
    expect(history.map(({ iteration }) => iteration)).toEqual([3, 7, 11]);
    expect(history[2]?.value).toBeLessThan(history[0]?.value ?? 0);
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 40 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says so when there is no model', async () => {
    const { trainer } = bare({ loader: [], evaluators: new SquaredError() });
    await expect(trainer.train()).rejects.toThrow('there is no model to evaluate in this trainer');
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => evaluator({ period: 2, evaluate: ({ step: { iteration } }) => ({ score: iteration }) }),
    }));
});
