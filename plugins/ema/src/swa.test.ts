import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, evaluationRef, type Plugin } from '@hookline/core';
import { checkPluginContract, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import { modelRef, RunnerScope, selectDevice, tf } from '@hookline/tfjs';
import { ema } from './plugin.ts';
import { stochasticWeightAveraging, swaRef } from './swa.ts';
import { WeightAverage } from './weight-average.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const KERNEL = 'linear/kernel';
const first = (values: ReadonlyMap<string, tf.Variable>): number => values.get(KERNEL)?.dataSync()[0] ?? NaN;

/** Writes down the first weight after each step, and evaluates the last one. */
const log = (weights: number[], evaluated: number[]): Plugin =>
  definePlugin({
    name: 'log',
    version: '1.0.0',
    provides: ['evaluation'],
    requires: { model: modelRef, evaluation: evaluationRef },
    setup({ hooks, model, evaluation }) {
      hooks.evaluate.tap(() => void evaluated.push(first(model.value.trainable())));
      hooks.afterStep.tap(async (step) => {
        weights.push(first(model.value.trainable()));
        if (step.iteration === 3 || step.iteration + 1 === step.maxIterations) await evaluation.run(step);
      });
    },
  })();
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('stochasticWeightAveraging', () => {
  it('keeps the contract of plugins', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(stochasticWeightAveraging.definition).toMatchObject({ version });
    await checkPluginContract({
      plugin: () => stochasticWeightAveraging({ start: 1, period: 2 }),
      observe: async (trainer) =>
        [...(await trainer.service(swaRef)).averages].map(([, value]) => [...value.dataSync()]),
    });
  });

  it("averages as torch's AveragedModel does", async () => {
    const file = new URL('./swa.test.fixture.json', import.meta.url);
    const { steps } = JSON.parse(await readFile(file, 'utf8')) as {
      readonly steps: readonly (readonly [weights: number[], average: number[]])[];
    };
    const scope = new RunnerScope();
    const w = tf.variable(tf.zeros([6]));
    const average = new WeightAverage(scope, 'swa', new Map([['w', w]]), new Map(), { decay: 0, warmup: false });
    for (const [count, [weights, wanted]] of steps.entries()) {
      tf.tidy(() => w.assign(tf.tensor(weights)));
      average.include(count);
      const found = [...(average.averages.get('w')?.dataSync() ?? [])];
      for (const [at, value] of wanted.entries()) expect(Math.abs((found[at] ?? NaN) - value)).toBeLessThan(2e-7);
    }
    scope.dispose();
    w.dispose();
  });

  it.each(['off', 'required'] as const)('evaluates with the mean from its start on, capture %s', async (capture) => {
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const [weights, evaluated]: [number[], number[]] = [[], []];
    const plugins = [stochasticWeightAveraging({ start: 4, period: 2 }), log(weights, evaluated)];
    const trainer = tinyTraining({ plugins, maxIterations: 9, capture });
    await trainer.train();
    expect(evaluated[0]).toBe(weights[3]);
    expect(evaluated[1]).toBeCloseTo(mean([weights[4], weights[6], weights[8]] as number[]), 6);
    // The training has its own weights back.
    expect((await weightsOf(trainer))[KERNEL]?.[0]).toBe(weights[8]);
  });

  it('begins after three quarters of the run, and goes on to the bit when resumed', async () => {
    const run = async (from?: string) => {
      const [weights, evaluated]: [number[], number[]] = [[], []];
      const plugins = [
        stochasticWeightAveraging(),
        log(weights, evaluated),
        saveAt(from === undefined ? 10 : -1, 'here'),
      ];
      const trainer = tinyTraining({ plugins, output });
      if (from !== undefined) await trainer.load(from);
      await trainer.train();
      return { weights, last: evaluated.at(-1) };
    };
    const whole = await run();
    expect(whole.last).toBeCloseTo(mean(whole.weights.slice(9)), 6);
    expect((await run(join(output, 'here.safetensors'))).last).toBe(whole.last);
  });

  it('is refused beside other averages that evaluation sees', async () => {
    const both = tinyTraining({ plugins: [ema(), stochasticWeightAveraging()] });
    await expect(both.train()).rejects.toThrow(
      /\[HKL_WRITTEN_TWICE\] .*evaluationWeights \(the weights that evaluation sees\), and @hookline\/plugin-ema writes it too/,
    );
    const one = tinyTraining({ plugins: [ema({ evaluate: false }), stochasticWeightAveraging()] });
    expect(await one.train()).toMatchObject({ status: 'completed' });
  });
});
