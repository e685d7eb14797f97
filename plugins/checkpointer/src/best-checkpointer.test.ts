import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  controlRef,
  definePlugin,
  evaluationRef,
  type Plugin,
  readCheckpoint,
  storageRef,
  TrainerBase,
} from '@hookline/core';
import { checkPluginContract, RecordingLogger } from '@hookline/testing';
import { bestCheckpointer } from './best-checkpointer.ts';
import { checkpointer } from './checkpointer.ts';
import type { BestCheckpointerOptions } from './options.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

type Values = readonly (number | undefined)[];

/** An evaluator that returns one value per iteration, or nothing if there is none. */
const evaluator = (values: Values, metric = 'accuracy'): Plugin =>
  definePlugin({
    name: 'evaluator',
    version: '1.0.0',
    provides: ['evaluation'],
    after: ['checkpointing'],
    requires: { storage: storageRef, evaluation: evaluationRef },
    setup({ hooks, storage, evaluation }) {
      const evaluate = async (iteration: number): Promise<void> => {
        const value = values[iteration];
        if (value === undefined) return;
        await evaluation.run({ iteration, startIteration: 0, maxIterations: 0 });
        storage.putScalar(metric, value, { smoothing: false });
      };
      hooks.afterStep.tap(({ iteration }) => evaluate(iteration));
      hooks.afterTrain.tap(({ iteration }) => evaluate(iteration));
    },
  })();

const make = (
  values: Values,
  options: Partial<BestCheckpointerOptions> = {},
  more: readonly Plugin[] = [],
  maxIterations = values.length,
) => {
  const logger = new RecordingLogger();
  const trainer = new TrainerBase({
    step: () => 1,
    maxIterations,
    plugins: [bestCheckpointer({ metric: 'accuracy', ...options }), evaluator(values), ...more],
    output,
    logger,
  });
  return { trainer, logger };
};
const train = async (...args: Parameters<typeof make>) => {
  const { trainer, logger } = make(...args);
  await trainer.resumeOrLoad();
  await trainer.train();
  return { trainer, logger, saved: savedBests(logger) };
};
/** Like {@link train}, but resumes from an older checkpoint. */
const trainFrom = async (name: string, values: Values, more: readonly Plugin[], maxIterations = values.length) => {
  const { trainer, logger } = make(values, {}, more, maxIterations);
  await trainer.load(join(output, `${name}.safetensors`));
  await trainer.train();
  return { saved: savedBests(logger) };
};
const savedBests = (logger: RecordingLogger) =>
  logger.matching('best ').map((line) => line.replace(/^best | so far|;.*$/g, ''));
/** The number of iterations in the best checkpoint. */
const bestIteration = async (name = 'model_best') =>
  (await readCheckpoint(join(output, `${name}.safetensors`))).manifest.iteration;

describe('bestCheckpointer', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(bestCheckpointer.definition).toMatchObject({ name: `${name}/best`, version });
    await checkPluginContract({
      plugin: () => bestCheckpointer({ metric: 'accuracy' }),
      beside: () => [evaluator([0.1, 0.3, 0.2, 0.4, 0.4, 0.1])],
    });
  });

  it('saves the first value and whatever beats it, and does not become the one to resume from', async () => {
    const { saved } = await train([0.5, 0.4, 0.5, 0.7, 0.7, 0.1]);
    expect(saved).toEqual([
      'accuracy: 0.5 at iteration 0',
      'accuracy: 0.7 at iteration 3, before it was 0.5 at iteration 0',
    ]);
    expect(await bestIteration()).toBe(4);
    expect(await readdir(output)).toEqual(['model_best.json', 'model_best.safetensors']);
    expect(JSON.parse(await readFile(join(output, 'model_best.json'), 'utf8'))).toEqual({
      metric: 'accuracy',
      mode: 'max',
      value: 0.7,
      iteration: 3,
    });
  });

  it('goes by the lowest value with mode min, under a name of its own', async () => {
    const { saved } = await train([3, 2, 2.5, 1], { mode: 'min', prefix: 'lowest' });
    expect(saved).toHaveLength(3);
    expect(await bestIteration('lowest')).toBe(4);
  });

  it('never takes NaN or infinity for the best', async () => {
    const { saved } = await train([Number.NaN, Infinity, 0.2, Infinity, Number.NaN, 0.3]);
    expect(saved.map((line) => line.slice(0, 13))).toEqual(['accuracy: 0.2', 'accuracy: 0.3']);
    expect(await bestIteration()).toBe(6);
  });

  it('does not take an old value for that of the weights as they are', async () => {
    const { saved } = await train([0.5, undefined, undefined, 0.4]);
    expect(saved).toHaveLength(1);
    expect(await bestIteration()).toBe(1);
  });

  it('looks at the evaluation after training', async () => {
    const late = new TrainerBase({
      step: () => 1,
      maxIterations: 2,
      plugins: [bestCheckpointer({ metric: 'accuracy', prefix: 'late' }), evaluator([0.1, 0.2, 0.9])],
      output,
      logger: new RecordingLogger(),
    });
    await late.train();
    const record = JSON.parse(await readFile(join(output, 'late.json'), 'utf8'));
    expect(record).toMatchObject({ value: 0.9, iteration: 2 });
  });

  it('remembers the best when resumed', async () => {
    const keep = [checkpointer({ period: 2 })];
    await train([0.5, 0.8, 0.6, 0.6], {}, keep);
    const { saved } = await train([0.5, 0.8, 0.6, 0.6, 0.7, 0.9], {}, keep);
    expect(saved).toEqual(['accuracy: 0.9 at iteration 5, before it was 0.8 at iteration 1']);
  });

  it('remembers a best that came after the checkpoint it is resumed from', async () => {
    const keep = [checkpointer({ period: 1, final: false })];
    await train([0.5, 0.8, 0.1], {}, keep);
    // Saved before the evaluation that gave 0.8.
    const { saved } = await trainFrom('model_0000001', [0.5, 0.8, 0.6, 0.7], keep);
    expect(saved).toEqual([]);
    expect(await bestIteration()).toBe(2);
  });

  it('looks at an evaluation that a resumed run begins with, with the weights that it was of', async () => {
    const keep = [checkpointer({ period: 1, final: false })];
    await train([0.5, 0.3, 0.2], {}, keep);
    const early = definePlugin({
      name: 'early',
      version: '1.0.0',
      provides: ['evaluation'],
      requires: { storage: storageRef },
      setup: ({ hooks, storage }) =>
        hooks.beforeTrain.tap(() => storage.putScalar('accuracy', 0.9, { smoothing: false, iteration: 1 })),
    });
    const { saved } = await trainFrom('model_0000001', [], [...keep, early()], 3);
    expect(saved).toEqual(['accuracy: 0.9 at iteration 1, before it was 0.5 at iteration 0']);
    expect(await bestIteration()).toBe(2);
  });

  it('forgets a best whose file is gone or that was measured otherwise, and that of another run', async () => {
    const keep = [checkpointer({ period: 2, final: false })];
    await train([0.5, 0.8], {}, keep);
    const otherwise = await train([0, 0, 0.6, undefined], { mode: 'min' }, keep);
    expect(otherwise.saved).toEqual(['accuracy: 0.6 at iteration 2']);
    const { trainer, logger } = make([0.1]);
    await trainer.train();
    expect(logger.matching('best accuracy')).toHaveLength(1);
  });

  it('goes on where the record beside the checkpoint cannot be read', async () => {
    const keep = [checkpointer({ period: 1, final: false })];
    await train([0.5, 0.1], {}, keep);
    await writeFile(join(output, 'model_best.json'), '{"metric": "accu');
    const { saved } = await trainFrom('model_0000000', [0.5, 0.4], keep);
    expect(saved).toEqual(['accuracy: 0.4 at iteration 1']);
  });

  it('warns once when the metric is not among the results', async () => {
    const { logger } = await train([0.1, 0.2, 0.3], { metric: 'acuracy' });
    expect(logger.matching('best:')).toEqual([
      'warning: @hookline/plugin-checkpointer/best: there is no metric "acuracy": the evaluation did not give it. ' +
        'Did you mean "accuracy"? Known: accuracy, total_loss',
    ]);
    expect(await readdir(output)).toEqual([]);
  });

  it.each([true, false])(
    'warns of a metric that nobody put, but not after an interrupted run (interrupted: %p)',
    async (cut) => {
      const interrupting = definePlugin({
        name: 'interrupting',
        version: '1.0.0',
        requires: { control: controlRef },
        // What a signal does.
        setup: ({ hooks, control }) => {
          if (cut)
            hooks.afterStep.tap(() => (control as unknown as { interrupt(signal: string): void }).interrupt('SIGINT'));
        },
      });
      const { logger } = await train([undefined, undefined], {}, [interrupting()]);
      expect(logger.matching('nothing ever put it')).toHaveLength(cut ? 0 : 1);
    },
  );

  it('refuses options that make no sense', async () => {
    await expect(make([1], { mode: 'best' as never }).trainer.train()).rejects.toThrow(/option "mode"/);
    await expect(make([1], { metrik: 'a' } as never).trainer.train()).rejects.toThrow(/Did you mean "metric"/);
  });
});
