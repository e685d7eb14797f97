import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type Plugin } from '@hookline/core';
import {
  checkPluginContract,
  RecordingLogger,
  saveAt,
  scriptedEvaluator,
  tinyTraining,
  weightsOf,
} from '@hookline/testing';
import { learningRateFactor, optimizerRef, selectDevice, sgd, tf, trainingStepRef } from '@hookline/tfjs';
import type { ReduceOnPlateauOptions } from './options.ts';
import { reduceOnPlateau } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

/** Records the learning rate of each step. */
const rates = (into: number[]): Plugin =>
  definePlugin({
    name: 'rates',
    version: '1.0.0',
    requires: { optimizer: optimizerRef },
    setup: ({ hooks, optimizer }) =>
      hooks.beforeStep.tap(() => void into.push(Number(optimizer.value.learningRate.toPrecision(10)))),
  })();
const make = (
  values: readonly number[],
  options: Partial<ReduceOnPlateauOptions> = {},
  {
    savedAt = -1,
    maxIterations = 12,
    capture = 'off',
    more = [],
  }: { savedAt?: number; maxIterations?: number; capture?: 'off' | 'required'; more?: readonly Plugin[] } = {},
) => {
  const logger = new RecordingLogger();
  const seen: number[] = [];
  const trainer = tinyTraining({
    optimizer: (model) => sgd(model, { learningRate: 0.1 }),
    maxIterations,
    capture,
    output,
    logger,
    plugins: [
      reduceOnPlateau({ metric: 'accuracy', patience: 1, ...options }),
      scriptedEvaluator(values),
      rates(seen),
      saveAt(savedAt, 'here'),
      ...more,
    ],
  });
  return { trainer, logger, seen };
};

describe('reduceOnPlateau', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(reduceOnPlateau.definition).toMatchObject({ name, version });
    await checkPluginContract({
      plugin: () => reduceOnPlateau({ metric: 'accuracy', patience: 0 }),
      beside: () => [scriptedEvaluator([0.5, 0.4, 0.3, 0.2])],
      observe: weightsOf,
    });
  });

  it('reduces the rate of the steps that follow, stores the factor and gives the rate back at the end', async () => {
    const { trainer, seen, logger } = make([0.5, 0.5, 0.5, 0.6, 0.6, 0.6]);
    await trainer.train();
    expect(seen).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]);
    const factors = trainer.storage.history('lr_factor').values();
    expect(factors.map(({ iteration, value }) => [iteration, Number(value.toPrecision(10))])).toEqual([
      [1, 1],
      [3, 1],
      [5, 0.1],
      [7, 0.1],
      [9, 0.1],
      [11, 0.01],
    ]);
    expect((await trainer.service(optimizerRef)).learningRate).toBe(0.1);
    expect(logger.matching('multiplied')).toEqual([
      'accuracy has not got better than 0.5 (iteration 5): ' +
        'the learning rate is multiplied with 0.1 from now on, before with 1',
      'accuracy has not got better than 0.6 (iteration 11): ' +
        'the learning rate is multiplied with 0.01 from now on, before with 0.1',
    ]);
  });

  it('is a factor beside that of a schedule, whichever is listed first', async () => {
    // A plugin must not import another one, so this one does what lr-scheduler does.
    const warmup = definePlugin({
      name: 'warmup',
      version: '1.0.0',
      provides: ['schedule'],
      requires: { optimizer: optimizerRef },
      setup({ hooks, plugin, optimizer }) {
        const rate = learningRateFactor(optimizer.value, plugin.id);
        hooks.beforeStep.tap(({ iteration }) => rate.set(Math.min(1, (iteration + 1) / 4)));
        return { dispose: () => rate.release() };
      },
    });
    const { trainer, seen } = make([0.5, 0.5], { patience: 0, factor: 0.5 }, { maxIterations: 7, more: [warmup()] });
    await trainer.train();
    expect(seen.slice(4)).toEqual([0.05, 0.05, 0.05]);
    expect((await trainer.service(optimizerRef)).learningRate).toBe(0.1);
  });

  it.each(['off', 'required'] as const)('goes on to the bit when resumed, capture %s', async (capture) => {
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const values = [0.5, 0.5, 0.5, 0.5, 0.5];
    const whole = make(values, {}, { savedAt: 7, capture });
    await whole.trainer.train();
    const resumed = make(values, {}, { capture });
    await resumed.trainer.load(join(output, 'here.safetensors'));
    await resumed.trainer.train();
    expect(resumed.seen).toEqual(whole.seen.slice(8));
    expect(new Set(whole.seen).size).toBe(3);
    expect(await weightsOf(resumed.trainer)).toEqual(await weightsOf(whole.trainer));
    const variables = (await whole.trainer.service(trainingStepRef)).variables();
    expect([...variables.keys()].filter((name) => name.startsWith('scope/'))).toEqual([]);
  });

  it('begins anew when it goes by another measure than the checkpoint did', async () => {
    await make([0.5, 0.5, 0.5], {}, { savedAt: 7 }).trainer.train();
    const { trainer, seen, logger } = make([], { mode: 'min' });
    await trainer.load(join(output, 'here.safetensors'));
    await trainer.train();
    expect(seen).toEqual([0.1, 0.1, 0.1, 0.1]);
    expect(logger.matching('starts again')).toHaveLength(1);
  });

  it('warns once when the metric is not among the results', async () => {
    const { trainer, logger } = make([0.5, 0.5], { metric: 'acuracy' });
    await trainer.train();
    expect(logger.matching('warning')).toEqual([
      expect.stringContaining('there is no metric "acuracy": the evaluation did not give it. Did you mean "accuracy"?'),
    ]);
  });

  it.each([
    [{ factor: 1 }, /option "factor"/],
    [{ patience: -1 }, /option "patience"/],
    [{ thresholdMode: 'relative' } as never, /option "thresholdMode"/],
    [{ minLR: 3 } as never, /Did you mean "minLr"/],
  ])('refuses %j', async (options, message) => {
    await expect(make([1], options).trainer.train()).rejects.toThrow(message);
  });
});
