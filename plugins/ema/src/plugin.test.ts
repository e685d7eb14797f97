import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointsRef, definePlugin, evaluationRef, type PluginInput } from '@hookline/core';
import { checkPluginContract, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import { modelRef, selectDevice, tf } from '@hookline/tfjs';
import { emaRef } from './ema-service.ts';
import { ema } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

const KERNEL = 'linear/kernel';
const first = (values: ReadonlyMap<string, tf.Variable>): number => values.get(KERNEL)?.dataSync()[0] ?? NaN;

/** Records the first weight after every step. */
function weightLog() {
  const log: number[] = [];
  const plugin = definePlugin({
    name: 'weight-log',
    version: '1.0.0',
    requires: { model: modelRef },
    setup({ hooks, model }) {
      hooks.beforeTrain.tap(() => void log.push(first(model.value.trainable())));
      hooks.afterStep.tap(() => void log.push(first(model.value.trainable())));
    },
  })();
  return { log, plugin };
}

/** Evaluates at one iteration with the model's current weights. */
const evaluating = (at: number, seen: number[], fail = false) =>
  definePlugin({
    name: 'evaluating',
    version: '1.0.0',
    requires: { model: modelRef, evaluation: evaluationRef, checkpoints: checkpointsRef },
    setup({ hooks, model, evaluation, checkpoints }) {
      hooks.evaluate.tap(async () => {
        seen.push(first(model.value.trainable()));
        if (fail) throw new Error('no');
        if (seen.length > 5) await checkpoints.save('inside');
        return { weight: first(model.value.trainable()) };
      });
      hooks.afterStep.tap(async (step) => {
        if (step.iteration === at) await (fail ? evaluation.run(step).catch(() => undefined) : evaluation.run(step));
      });
    },
  })();

const train = async (
  plugins: PluginInput[],
  options: { capture?: 'off' | 'required'; maxIterations?: number } = {},
) => {
  const trainer = tinyTraining({ plugins, ...options });
  await trainer.train();
  return trainer;
};

const averageOf = async (trainer: Awaited<ReturnType<typeof train>>) => first((await trainer.service(emaRef)).averages);

describe('ema', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(ema.definition).toMatchObject({ name, version });
  });

  it.each([
    [false, 'off'],
    [true, 'off'],
    [true, 'required'],
  ] as const)('averages by its formula, warmup %s, capture %s', async (warmup, capture) => {
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const { log, plugin } = weightLog();
    const trainer = await train([ema({ decay: 0.9, warmup }), plugin], { capture });
    const [start = NaN, ...weights] = log;
    expect(weights).toHaveLength(12);
    const expected = weights.reduce((average, weight, n) => {
      const decay = warmup ? Math.min(0.9, (1 + n) / (10 + n)) : 0.9;
      return decay * average + (1 - decay) * weight;
    }, start);
    expect(await averageOf(trainer)).toBeCloseTo(expected, 5);
    expect(Math.abs(expected - (weights.at(-1) ?? NaN))).toBeGreaterThan(1e-3);
  });

  it('does not change the training, and leaves no tensor behind', async () => {
    const plain = await train([]);
    const seen: number[] = [];
    const trainer = await train([ema({ decay: 0.5 }), evaluating(5, seen)]);
    expect(await weightsOf(trainer)).toEqual(await weightsOf(plain));
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 60 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(['off', 'required'] as const)(
    'evaluates with the averages and puts the weights back, capture %s',
    async (capture) => {
      // Only native TensorFlow runs graphs.
      if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
      const seen: number[] = [];
      const { log, plugin } = weightLog();
      const plain = await train([], { capture });
      const trainer = await train([ema({ decay: 0.9 }), evaluating(11, seen), plugin], { capture });
      expect(seen).toEqual([await averageOf(trainer)]);
      expect(seen[0]).not.toBe(log.at(-1));
      expect(await weightsOf(trainer)).toEqual(await weightsOf(plain));
      expect(await trainer.evaluate()).toEqual({ weight: seen[0] });
      const without: number[] = [];
      await train([ema({ decay: 0.9, evaluate: false }), evaluating(11, without)], { capture });
      expect(without).toEqual([log.at(-1)]);
    },
  );

  it('puts the weights back when an evaluation fails, and refuses to save meanwhile', async () => {
    const plain = await train([]);
    const failing = await train([ema(), evaluating(5, [], true)]);
    expect(await weightsOf(failing)).toEqual(await weightsOf(plain));
    const trainer = tinyTraining({ plugins: [ema(), evaluating(5, [1, 2, 3, 4, 5])], output });
    await expect(trainer.train()).rejects.toThrow('HKL_EMA_SWAPPED');
  });

  it('starts from weights that are loaded before the training', async () => {
    const trained = tinyTraining({ plugins: [saveAt(11)], output });
    await trained.train();
    const weights = await weightsOf(trained);
    const tuned = tinyTraining({ plugins: [ema({ decay: 0.999999, warmup: false })], seed: 9, maxIterations: 1 });
    await tuned.load(join(output, 'mid.safetensors'), 'weights');
    await tuned.train();
    expect(await averageOf(tuned)).toBeCloseTo(weights[KERNEL]?.[0] ?? NaN, 4);
  });

  it('resumes exactly', () =>
    checkPluginContract({
      plugin: () => ema({ decay: 0.9 }),
      trainer: tinyTraining,
      observe: (trainer) => trainer.storage.history('total_loss').values().at(-1),
    }));

  it('resumes its averages to the bit', async () => {
    const whole = tinyTraining({ plugins: [ema({ decay: 0.9 }), saveAt(6)], output });
    await whole.train();
    const resumed = tinyTraining({ plugins: [ema({ decay: 0.9 }), saveAt(-1)], output, seed: 5 });
    await resumed.resumeOrLoad();
    await resumed.train();
    expect(await averageOf(resumed)).toBe(await averageOf(whole));
  });

  it('refuses a decay of 1', async () => {
    await expect(tinyTraining({ plugins: [ema({ decay: 1 })] }).prepare()).rejects.toMatchObject({
      code: 'HKL_OPTION_INVALID',
    });
  });
});
