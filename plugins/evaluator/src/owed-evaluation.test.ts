import { join } from 'node:path';
import { checkpointsRef, definePlugin, type Plugin, type PluginInput, TrainerBase } from '@hookline/core';
import { RecordingLogger } from '@hookline/testing';
import type { EvaluatorOptions } from './options.ts';
import { evaluator } from './plugin.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

/** Saves every step, before the evaluation or after it. */
const saver = (when: 'before' | 'after'): Plugin =>
  definePlugin({
    name: `saver-${when}`,
    version: '1.0.0',
    ...(when === 'before' ? { provides: ['checkpointing'] } : { after: ['evaluation'] }),
    requires: { checkpoints: checkpointsRef },
    setup({ hooks, checkpoints }) {
      hooks.afterStep.tap(async ({ iteration }) => void (await checkpoints.save(`${when}-${iteration}`)));
    },
  })();

interface Run {
  readonly options?: EvaluatorOptions;
  readonly maxIterations?: number;
  readonly plugins?: readonly PluginInput[];
  /** The evaluation of this iteration fails, once. */
  readonly failsAt?: number;
}

/** A trainer that notes its steps and evaluations, with a score of its own for each. */
function make({ options = { period: 3 }, maxIterations = 8, plugins = [], failsAt }: Run = {}) {
  const log: string[] = [];
  let fails = failsAt !== undefined;
  const trainer = new TrainerBase({
    step: ({ iteration }) => {
      log.push(`step ${iteration}`);
      return 1;
    },
    maxIterations,
    plugins: [
      evaluator({
        ...options,
        evaluate: ({ step: { iteration } }) => {
          if (fails && iteration === failsAt) {
            fails = false;
            throw new Error('no data');
          }
          log.push(`evaluate ${iteration}`);
          return { score: iteration * 10 };
        },
      }),
      saver('before'),
      saver('after'),
      ...plugins,
    ],
    output,
    logger: new RecordingLogger(),
  });
  const scores = () =>
    trainer.storage
      .history('score')
      .values()
      .map(({ iteration, value }) => [iteration, value]);
  return { trainer, log, scores };
}

async function resume(name: string, run: Run = {}) {
  const made = make(run);
  await made.trainer.load(join(output, `${name}.safetensors`));
  return made;
}

describe('an evaluation that a checkpoint does not hold', () => {
  it('is made up for before the first step, and stored where it belongs', async () => {
    const whole = make();
    await whole.trainer.train();
    expect(whole.scores()).toEqual([
      [2, 20],
      [5, 50],
      [7, 70],
    ]);
    const { trainer, log, scores } = await resume('before-5');
    await trainer.train();
    expect(log).toEqual(['evaluate 5', 'step 6', 'step 7', 'evaluate 7']);
    expect(scores()).toEqual(whole.scores());
  });

  it('is not made again where the checkpoint holds it, nor where none was due', async () => {
    await make().trainer.train();
    for (const name of ['after-5', 'before-3', 'after-3']) {
      const { trainer, log } = await resume(name);
      await trainer.train();
      expect(log[0]).toMatch(/^step/);
    }
  });

  it('goes by the options of the run that goes on', async () => {
    await make({ options: {} }).trainer.train();
    const denser = await resume('before-3', { options: { period: 2 } });
    await denser.trainer.train();
    expect(denser.log.slice(0, 2)).toEqual(['evaluate 3', 'step 4']);
    const none = await resume('before-3', { options: { evalAfterTrain: false } });
    await none.trainer.train();
    expect(none.log.filter((line) => line.startsWith('evaluate'))).toEqual([]);
  });

  it('is not owed by a run that had no evaluator', async () => {
    const bare = new TrainerBase({ step: () => 1, maxIterations: 3, plugins: [saver('before')], output });
    await bare.train();
    const { trainer, log } = await resume('before-2');
    await trainer.train();
    expect(log[0]).toBe('step 3');
  });

  it('is made up for without a step where it was the last one', async () => {
    await expect(make({ failsAt: 7 }).trainer.train()).rejects.toThrow('no data');
    const { trainer, log, scores } = await resume('before-7');
    expect(await trainer.train()).toEqual({ status: 'completed', iteration: 8, results: { score: 70 } });
    expect(log).toEqual(['evaluate 7']);
    expect(scores().at(-1)).toEqual([7, 70]);
    await expect(trainer.train()).rejects.toMatchObject({ code: 'HKL_NOTHING_TO_TRAIN' });
  });

  it('is not owed at an end that is none any more', async () => {
    await expect(make({ failsAt: 7 }).trainer.train()).rejects.toThrow('no data');
    const { trainer, log } = await resume('before-7', { maxIterations: 10 });
    await trainer.train();
    expect(log).toEqual(['step 8', 'evaluate 8', 'step 9', 'evaluate 9']);
  });

  it('is made up for in the same trainer, which does not do the step again', async () => {
    const { trainer, log, scores } = make({ failsAt: 5 });
    await expect(trainer.train()).rejects.toThrow('no data');
    expect(trainer.iteration).toBe(5);
    await trainer.train();
    expect(log.slice(-6)).toEqual(['step 4', 'step 5', 'evaluate 5', 'step 6', 'step 7', 'evaluate 7']);
    expect(scores().map(([iteration]) => iteration)).toEqual([2, 5, 7]);
    const last = make({ failsAt: 7 });
    await expect(last.trainer.train()).rejects.toThrow('no data');
    expect(await last.trainer.train()).toMatchObject({ status: 'completed', iteration: 8 });
    expect(last.log.slice(-2)).toEqual(['step 7', 'evaluate 7']);
  });

  it('is made up for once by several evaluators', async () => {
    const other = (log: string[]) =>
      evaluator(
        { period: 2, name: 'b', evaluate: ({ step: { iteration } }) => void log.push(`b ${iteration}`) },
        { instance: 'b' },
      );
    const first: string[] = [];
    await make({ plugins: [other(first)] }).trainer.train();
    const second: string[] = [];
    const { trainer, log } = await resume('before-5', { plugins: [other(second)] });
    await trainer.train();
    expect(log.filter((line) => line.startsWith('evaluate'))).toEqual(['evaluate 5', 'evaluate 7']);
    expect(second).toEqual(['b 5', 'b 7']);
  });
});
