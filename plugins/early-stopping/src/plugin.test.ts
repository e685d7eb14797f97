import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type Plugin, storageRef, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt, scriptedEvaluator } from '@hookline/testing';
import type { EarlyStoppingOptions } from './options.ts';
import { earlyStopping } from './plugin.ts';

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

const make = (
  values: readonly number[],
  options: Partial<EarlyStoppingOptions> = {},
  savedAt = -1,
  more: readonly Plugin[] = [],
) => {
  const logger = new RecordingLogger();
  const trainer = new TrainerBase({
    step: () => 1,
    maxIterations: 20,
    plugins: [
      earlyStopping({ metric: 'accuracy', ...options }),
      scriptedEvaluator(values),
      saveAt(savedAt, 'here'),
      ...more,
    ],
    output,
    logger,
  });
  return { trainer, logger };
};

describe('earlyStopping', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(earlyStopping.definition).toMatchObject({ name, version });
    await checkPluginContract({
      plugin: () => earlyStopping({ metric: 'accuracy', patience: 2 }),
      beside: () => [scriptedEvaluator([0.5, 0.4, 0.3, 0.2])],
    });
  });

  it('ends the training gracefully when the metric has not got better in so many evaluations', async () => {
    const { trainer } = make([0.1, 0.5, 0.4, 0.5, 0.3, 0.9], { patience: 3 });
    expect(await trainer.train()).toMatchObject({
      status: 'stopped',
      iteration: 10,
      reason: 'accuracy was best at iteration 3 (0.5) and has not improved in 3 evaluations',
    });
  });

  it('ends it at a threshold that is reached, and at one beyond which the metric diverges, by name', async () => {
    const reached = make([0.1, 0.5, 0.95, 0.96], { stoppingThreshold: 0.9 });
    expect(await reached.trainer.train()).toMatchObject({
      status: 'stopped',
      reason: 'accuracy is 0.95 at iteration 5, which is better than the stoppingThreshold 0.9',
    });
    const diverged = make([0.5, 0.04, 0.6], { divergenceThreshold: 0.05 });
    expect(await diverged.trainer.train()).toMatchObject({
      status: 'stopped',
      reason: 'accuracy is 0.04 at iteration 3, which is worse than the divergenceThreshold 0.05',
    });
  });

  it('does not count iterations without an evaluation, and lets a metric that gets better run', async () => {
    const { trainer } = make([0.1, 0.2], { patience: 1 });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
  });

  it('goes down with mode min, and asks for minDelta', async () => {
    const { trainer } = make([3, 2, 1.95, 1.91], { mode: 'min', patience: 2, minDelta: 0.1 });
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 8 });
  });

  it('does not look at values before startIteration', async () => {
    const { trainer } = make([9, 1, 1, 2, 1, 1], { patience: 2, startIteration: 4 });
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 12 });
  });

  it('takes NaN for a value that is not better', async () => {
    const { trainer } = make([Number.NaN, Number.NaN], { patience: 2 });
    expect(await trainer.train()).toMatchObject({
      iteration: 4,
      reason: 'accuracy never had a finite value and has not improved in 2 evaluations',
    });
  });

  it('is as patient after resuming as without a break', async () => {
    const values = [0.5, 0.4, 0.3, 0.2, 0.1];
    const whole = await make(values, { patience: 4 }, 5).trainer.train();
    expect(whole).toMatchObject({ status: 'stopped', iteration: 10 });
    const { trainer } = make(values, { patience: 4 });
    await trainer.load(join(output, 'here.safetensors'));
    expect(await trainer.train()).toEqual(whole);
  });

  it('stops before the first step where the evaluation that a resumed run begins with is the one too many', async () => {
    await make([0.5, 0.4, 0.3, 0.2, 0.1], { patience: 4 }, 5).trainer.train();
    const early = definePlugin({
      name: 'early',
      version: '1.0.0',
      provides: ['evaluation'],
      requires: { storage: storageRef },
      setup: ({ hooks, storage }) =>
        hooks.beforeTrain.tap(() => storage.putScalar('accuracy', 0.4, { smoothing: false, iteration: 5 })),
    });
    const { trainer } = make([], { patience: 3 }, -1, [early()]);
    await trainer.load(join(output, 'here.safetensors'));
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 6 });
  });

  it('begins anew when it goes by another measure than the checkpoint did', async () => {
    const values = [0.5, 0.4, 0.3, 0.2, 0.1];
    await make(values, { patience: 4 }, 5).trainer.train();
    const { trainer } = make(values, { patience: 2, mode: 'min' });
    await trainer.load(join(output, 'here.safetensors'));
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
  });

  it('may stop several trainings by several metrics', async () => {
    const plugins = [
      scriptedEvaluator([0.5, 0.4, 0.3]),
      earlyStopping({ metric: 'total_loss', mode: 'min', patience: 100 }),
      earlyStopping({ metric: 'accuracy', patience: 1 }, { instance: 'accuracy' }),
    ];
    const trainer = new TrainerBase({ step: () => 1, maxIterations: 9, plugins, logger: new RecordingLogger() });
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 4 });
  });

  it('warns once when the metric is not among the results', async () => {
    const { trainer, logger } = make([0.5, 0.5, 0.5], { metric: 'acuracy' });
    await trainer.train();
    expect(logger.matching('warning')).toEqual([
      'warning: @hookline/plugin-early-stopping: there is no metric "acuracy": the evaluation did not give it. ' +
        'Did you mean "accuracy"? Known: accuracy, total_loss',
    ]);
  });

  it.each([
    [{ patience: 0 }, /option "patience"/],
    [{ mode: 'up' } as never, /option "mode"/],
    [{ metric: '' }, /option "metric"/],
    [{ minDelta: -1 }, /option "minDelta"/],
    [{ patients: 3 } as never, /Did you mean "patience"/],
  ])('refuses %j', async (options, message) => {
    await expect(make([1], options).trainer.train()).rejects.toThrow(message);
  });
});
