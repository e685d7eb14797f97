import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type PluginInput, stepRunnerRef, type TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { batchSourceRef, modelRef, optimizerRef, selectDevice, sgd, trainingStepRef, tf } from '@hookline/tfjs';
import { lrFinder, rangeTest, suggestRate } from './index.ts';

beforeAll(() => selectDevice('auto'));

/** Captured where the backend can. */
const captured = () => (tf.getBackend() === 'tensorflow' ? 'required' : 'auto');

async function partsOf(trainer: TrainerBase) {
  return {
    model: await trainer.service(modelRef),
    optimizer: await trainer.service(optimizerRef),
    step: await trainer.service(trainingStepRef),
    runner: await trainer.service(stepRunnerRef),
    source: await trainer.service(batchSourceRef),
  };
}

describe('lrFinder', () => {
  let output: string;
  beforeEach(() => {
    output = temporaryFolder();
  });

  it('has the name and version of its package', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: lrFinder.definition.name, version: lrFinder.definition.version });
  });

  it.each(['off', 'captured'])(
    'writes the curve, and the training is as it would be without, capture %s',
    async (mode) => {
      const run = async (plugins: readonly PluginInput[]) => {
        const logger = new RecordingLogger();
        const trainer = tinyTraining({ plugins, output, logger, capture: mode === 'off' ? 'off' : captured() });
        await trainer.train();
        const { total_loss: loss } = Object.fromEntries(trainer.storage.latest());
        return {
          weights: await weightsOf(trainer),
          loss,
          rate: (await trainer.service(optimizerRef)).learningRate,
          logger,
        };
      };
      const { logger, ...found } = await run([lrFinder({ minRate: 1e-4, maxRate: 10, steps: 40, smoothing: 0.5 })]);
      const [, rate = ''] = /fell most steeply at a learning rate of ([\d.e-]+)/.exec(logger.lines.join('\n')) ?? [];
      expect(Number(rate)).toBeGreaterThan(1e-3);
      expect(await readFile(join(output, 'lr-finder.svg'), 'utf8')).toContain(`steepest descent at ${rate}`);
      const [header, first = ''] = (await readFile(join(output, 'lr-finder.csv'), 'utf8')).split('\n');
      expect(header).toBe('rate,loss,smoothed');
      expect(first).toMatch(/^0\.0001,[\d.]+,[\d.]+$/);
      const { logger: _, ...plain } = await run([]);
      expect(found).toEqual(plain);
    },
  );

  it('keeps the contract of plugins', () => checkPluginContract({ plugin: () => lrFinder({ steps: 10 }) }));
});

describe('rangeTest', () => {
  const descent = () => tinyTraining({ optimizer: (model) => sgd(model, { learningRate: 0.01 }) });

  it('lets the rate grow by one factor, smooths the losses and ends where they diverge', async () => {
    const trainer = descent();
    const { points, end } = await rangeTest(await partsOf(trainer), {
      minRate: 0.01,
      maxRate: 100,
      steps: 41,
      smoothing: 0.5,
    });
    expect(end).toBe('diverged');
    let [mean, smallest] = [0, Infinity];
    points.forEach(({ rate, loss, smoothed }, i) => {
      expect(rate).toBeCloseTo(0.01 * 10 ** (i / 10), 10);
      mean = 0.5 * mean + 0.5 * loss;
      expect(smoothed).toBeCloseTo(mean / (1 - 0.5 ** (i + 1)), 5);
      expect(smoothed > 4 * smallest).toBe(i === points.length - 1);
      smallest = Math.min(smallest, smoothed);
    });
    await trainer.dispose();
  });

  it('ends where a loss is not finite', async () => {
    const trainer = descent();
    const options = { minRate: 1e-3, maxRate: 1e30, steps: 10, smoothing: 0, divergence: 1e30 };
    expect((await rangeTest(await partsOf(trainer), options)).end).toBe('not finite');
    await trainer.dispose();
  });

  it('says so where the steps change no weight, and what is wrong with its options', async () => {
    const still = definePlugin({
      name: 'still',
      version: '1.0.0',
      setup: ({ hooks }) => hooks.update.tap(() => false),
    });
    const trainer = tinyTraining({ plugins: [still()] });
    await expect(rangeTest(await partsOf(trainer), { steps: 10 })).rejects.toMatchObject({ code: 'HKL_RANGE_TEST' });
    await expect(rangeTest(await partsOf(trainer), { minRate: 2, maxRate: 1 })).rejects.toThrow(
      'maxRate: must be above minRate',
    );
    await trainer.dispose();
  });
});

it('suggests the place of the smallest central difference, as numpy.gradient has it', () => {
  const points = (losses: number[]) => losses.map((smoothed, i) => ({ rate: 10 ** i, smoothed }));
  // Slopes at places 1 to 5: -1, -2.5, -3, -1.5, 0.5.
  expect(suggestRate(points([10, 9, 8, 4, 2, 1, 3]))).toBe(1e3);
  // What falls from a peak behind the smallest loss is no descent.
  expect(suggestRate(points([10, 9, 7, 6, 50, 90, 20, 8, 7]))).toBe(1e1);
  // The steep begin is left out: of 20 points, the first two.
  expect(suggestRate(points([90, 50, 9, ...Array.from({ length: 17 }, (_, i) => 9 - i / 10 - (i > 10 ? 1 : 0))]))).toBe(
    1e2,
  );
  expect(suggestRate(points([1, 2, 3, 4, 5]))).toBeUndefined();
});
