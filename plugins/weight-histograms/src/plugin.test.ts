import { readFile } from 'node:fs/promises';
import { definePlugin, type PluginInput } from '@hookline/core';
import { checkPluginContract, tinyTraining, weightsOf } from '@hookline/testing';
import { modelRef, selectDevice, sgd, stepScopeRef, tf } from '@hookline/tfjs';
import { countOnDevice, histogramOf } from './figures.ts';
import { weightHistograms } from './index.ts';

beforeAll(() => selectDevice('auto'));

/** Captured where the backend can. */
const captured = () => (tf.getBackend() === 'tensorflow' ? 'required' : 'auto');
const MODES = ['off', 'captured'] as const;
const RATE = 0.125;

/** Trains six steps by plain gradient descent, and returns the kernel before the first step and after each step. */
async function train(mode: (typeof MODES)[number], plugins: readonly PluginInput[]) {
  const kernels: Float32Array[] = [];
  const spy = definePlugin({
    name: 'spy',
    version: '1.0.0',
    requires: { model: modelRef },
    setup({ hooks, model }) {
      const look = async (): Promise<void> => {
        const kernel = model.value.trainable().get('linear/kernel') as tf.Variable;
        kernels.push(Float32Array.from(await kernel.data()));
      };
      hooks.beforeTrain.tap(look);
      hooks.afterStep.tap(look);
    },
  });
  const trainer = tinyTraining({
    plugins: [spy(), ...plugins],
    capture: mode === 'off' ? 'off' : captured(),
    optimizer: (model) => sgd(model, { learningRate: RATE }),
    maxIterations: 6,
  });
  const reader = trainer.storage.reader();
  await trainer.train();
  return { kernels, weights: await weightsOf(trainer), storage: trainer.storage, read: reader.read() };
}

describe('weightHistograms', () => {
  it('has the name and version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({
      name: weightHistograms.definition.name,
      version: weightHistograms.definition.version,
    });
  });

  it.each(MODES)('tells weights, gradients and updates where they are due, with capture %s', async (mode) => {
    const { kernels, weights, read, storage } = await train(mode, [weightHistograms({ period: 3, bins: 4 })]);
    expect(read.histograms.map(({ name, iteration }) => `${name} ${iteration}`)).toEqual(
      [2, 5].flatMap((i) =>
        ['kernel', 'bias'].flatMap((part) => [`gradients/linear/${part} ${i}`, `weights/linear/${part} ${i}`]),
      ),
    );
    for (const iteration of [2, 5]) {
      const [before, after] = [kernels[iteration], kernels[iteration + 1]] as [Float32Array, Float32Array];
      const of = (what: string) =>
        read.histograms.find((each) => each.name === `${what}/linear/kernel` && each.iteration === iteration);
      expect(of('weights')).toMatchObject({ num: 4, nonFinite: 0, min: Math.min(...after), max: Math.max(...after) });
      expect(of('weights')?.sum).toBeCloseTo(
        after.reduce((a, b) => a + b, 0),
        5,
      );
      expect(of('weights')?.bucketCounts.reduce((a, b) => a + b, 0)).toBe(4);
      // Plain descent takes the gradient times the rate.
      const gradient = [...before].map((value, i) => (value - (after[i] ?? 0)) / RATE);
      expect(of('gradients')?.min).toBeCloseTo(Math.min(...gradient), 4);
      expect(of('gradients')?.max).toBeCloseTo(Math.max(...gradient), 4);
      const ratio = (RATE * Math.hypot(...gradient)) / Math.hypot(...before);
      const found = storage
        .history('update_ratio/linear/kernel')
        .values()
        .find((each) => each.iteration === iteration);
      expect(found?.value).toBeCloseTo(ratio, 5);
    }
    expect(weights).toEqual((await train(mode, [])).weights);
  });

  it.each(MODES)('tells nothing of a step that changes no weight, with capture %s', async (mode) => {
    const putsOff = definePlugin({
      name: 'puts-off',
      version: '1.0.0',
      before: ['gradients'],
      setup({ hooks }) {
        hooks.gradients.tap(() => ({}));
        hooks.update.tap(() => false);
      },
    });
    const { read, storage } = await train(mode, [putsOff(), weightHistograms({ period: 3 })]);
    expect(read.histograms).toEqual([]);
    expect([...storage.latest().keys()].filter((name) => name.startsWith('update_ratio'))).toEqual([]);
  });

  it.each(MODES)(
    'tells nothing of a step without an update after one with an update, with capture %s',
    async (mode) => {
      const untilThird = definePlugin({
        name: 'until-third',
        version: '1.0.0',
        before: ['gradients'],
        requires: { scope: stepScopeRef },
        setup({ hooks, scope }) {
          let iteration = 0;
          hooks.beforeStep.tap((step) => void ({ iteration } = step));
          const isUpdate = scope.value.variant('until-third', () => iteration < 3);
          hooks.gradients.tap(() => scope.value.updateIf(isUpdate.value));
        },
      });
      const { read } = await train(mode, [untilThird(), weightHistograms({ period: 3 })]);
      expect(new Set(read.histograms.map(({ iteration }) => iteration))).toEqual(new Set([2]));
    },
  );

  it('keeps the contract of plugins', () => checkPluginContract({ plugin: () => weightHistograms({ period: 2 }) }));
});

describe('the figures of a tensor', () => {
  const figures = (values: number[], bins: number) =>
    histogramOf(countOnDevice(tf.tensor1d(values), bins).dataSync<'float32'>());

  it('are counts in buckets of equal width, the largest in the last one', () => {
    const { bucketLimits, bucketCounts, ...rest } = figures([0, 1, 2, 2.5, 3.75, 4], 4) ?? {};
    expect(rest).toEqual({ num: 6, nonFinite: 0, min: 0, max: 4, sum: 13.25, sumSquares: 41.3125 });
    expect([bucketLimits, bucketCounts].map((each) => [...(each ?? [])])).toEqual([
      [1, 2, 3, 4],
      [1, 1, 2, 2],
    ]);
  });

  it('of equal numbers, of one, and of what is not finite, are no trouble', () => {
    expect(figures([5, 5, 5], 2)).toMatchObject({ num: 3, min: 5, max: 5, bucketCounts: Float64Array.of(3, 0) });
    expect(figures([-7], 3)).toMatchObject({ num: 1, bucketCounts: Float64Array.of(1, 0, 0) });
    expect(figures([1, Number.NaN, 2], 2)).toMatchObject({ num: 0, nonFinite: 3, sum: 0 });
    expect(histogramOf(new Float32Array(7))).toBeUndefined();
  });
});
