import { join } from 'node:path';
import { definePlugin, evaluationRef, type Plugin, replace, storageRef, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, saveAt, tinyTraining, weightsOf } from '@hookline/testing';
import { modelRef, selectDevice, tf } from '@hookline/tfjs';
import type { EarlyStoppingOptions } from './options.ts';
import { earlyStopping } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

type Weights = Awaited<ReturnType<typeof weightsOf>>;

/** An evaluator that returns one value per iteration, and the first weight at the time of the evaluation. */
const evaluator = (values: readonly number[], evaluations: number[] = []): Plugin =>
  definePlugin({
    name: 'evaluator',
    version: '1.0.0',
    provides: ['evaluation'],
    requires: { storage: storageRef, evaluation: evaluationRef, model: modelRef },
    setup({ hooks, storage, evaluation, model }) {
      hooks.evaluate.tap((results, { iteration }) => {
        evaluations.push(iteration);
        return { ...results, weight: model.value.trainable().get('linear/kernel')?.dataSync()[0] as number };
      });
      hooks.afterStep.tap(async (step) => {
        const value = values[step.iteration];
        if (value === undefined) return;
        await evaluation.run(step);
        storage.putScalar('accuracy', value, { smoothing: false });
      });
    },
  })();
/** Records the weights after each step. */
const recorder = (into: Weights[]): Plugin =>
  definePlugin({
    name: 'recorder',
    version: '1.0.0',
    before: ['evaluation'],
    requires: { model: modelRef },
    setup: ({ hooks, model }) =>
      hooks.afterStep.tap(() => {
        const all = [...model.value.trainable(), ...model.value.state()];
        into.push(Object.fromEntries(all.map(([name, variable]) => [name, [...variable.dataSync()]])));
      }),
  })();
const make = (
  values: readonly number[],
  options: Partial<EarlyStoppingOptions> = {},
  {
    savedAt = -1,
    maxIterations = 9,
    capture = 'off',
    more = [],
  }: { savedAt?: number; maxIterations?: number; capture?: 'off' | 'required'; more?: readonly Plugin[] } = {},
) => {
  const weights: Weights[] = [];
  const evaluations: number[] = [];
  const logger = new RecordingLogger();
  const trainer = tinyTraining({
    maxIterations,
    capture,
    output,
    logger,
    plugins: [
      earlyStopping({ metric: 'accuracy', patience: 3, restoreBest: true, ...options }),
      evaluator(values, evaluations),
      recorder(weights),
      saveAt(savedAt, 'here'),
      ...more,
    ],
  });
  return { trainer, weights, evaluations, logger };
};

describe('restoreBest', () => {
  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => earlyStopping({ metric: 'accuracy', patience: 3, restoreBest: true }),
      beside: () => [evaluator([0.5, 0.4, 0.6, 0.3, 0.2])],
      trainer: tinyTraining,
      observe: weightsOf,
    }));

  it.each(['off', 'required'] as const)(
    'gives the model its best weights back where it stops, and evaluates them, capture %s',
    async (capture) => {
      if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
      const { trainer, weights, evaluations, logger } = make([0.1, 0.5, 0.4, 0.5, 0.3, 0.9], {}, { capture });
      const result = await trainer.train();
      expect(result).toMatchObject({ status: 'stopped', iteration: 5 });
      const found = await weightsOf(trainer);
      expect(found).toEqual(weights[1]);
      expect(found).not.toEqual(weights[4]);
      expect(result.results).toEqual({ weight: weights[1]?.['linear/kernel']?.[0] });
      // Once more for the weights that are back.
      expect(evaluations).toEqual([0, 1, 2, 3, 4, 4]);
      expect(logger.matching('restored')).toEqual([
        'restored the weights of iteration 1, which had the best accuracy (0.5)',
      ]);
    },
  );

  it('leaves no tensor behind', async () => {
    const left = async (restoreBest: boolean): Promise<number> => {
      const before = tf.memory().numTensors;
      const { trainer } = make([0.1, 0.5, 0.4, 0.5, 0.3, 0.9], { restoreBest });
      await trainer.train();
      await trainer.dispose();
      return tf.memory().numTensors - before;
    };
    expect(await left(true)).toBe(await left(false));
  });

  it('does so after the last iteration as well, and leaves the weights where the last ones are the best', async () => {
    const last = make([0.1, 0.9, 0.4], {}, { maxIterations: 3 });
    expect(await last.trainer.train()).toMatchObject({ status: 'completed' });
    expect(await weightsOf(last.trainer)).toEqual(last.weights[1]);
    const best = make([0.1, 0.2, 0.4], {}, { maxIterations: 3 });
    await best.trainer.train();
    expect(await weightsOf(best.trainer)).toEqual(best.weights[2]);
    expect(best.evaluations).toEqual([0, 1, 2]);
  });

  it('leaves the weights where somebody else stops: such a run goes on from where it was', async () => {
    const { trainer, weights } = make(
      [0.9, 0.1, 0.1],
      {},
      {
        more: [
          definePlugin({
            name: 'stopper',
            version: '1.0.0',
            setup: ({ hooks }) =>
              hooks.afterStep.tap(({ iteration }) => {
                if (iteration === 1) trainer.stop();
              }),
          })(),
        ],
      },
    );
    expect(await trainer.train()).toMatchObject({ status: 'stopped', iteration: 2 });
    expect(await weightsOf(trainer)).toEqual(weights[1]);
  });

  it('restores the same weights after resuming behind the best value', async () => {
    const values = [0.1, 0.5, 0.4, 0.3, 0.3];
    const whole = make(values, {}, { savedAt: 3 });
    await whole.trainer.train();
    const resumed = make(values);
    await resumed.trainer.load(join(output, 'here.safetensors'));
    await resumed.trainer.train();
    expect(await weightsOf(resumed.trainer)).toEqual(whole.weights[1]);
  });

  it('refuses a trainer without a model, and averages that evaluation sees in its place', async () => {
    const bare = new TrainerBase({
      step: () => 1,
      maxIterations: 1,
      plugins: [earlyStopping({ metric: 'total_loss', restoreBest: true })],
      logger: new RecordingLogger(),
    });
    await expect(bare.train()).rejects.toThrow(/\[HKL_EARLY_STOPPING_MODEL\]/);
    const averages = definePlugin({
      name: 'averages',
      version: '1.0.0',
      services: () => [
        replace(evaluationRef, (original) => ({
          run: (step) => original.run(step),
          withWeights: async (fn) => await fn(),
          get latest() {
            return original.latest;
          },
        })),
      ],
      setup: () => undefined,
    });
    await expect(make([0.1], {}, { more: [averages()] }).trainer.train()).rejects.toThrow(
      /\[HKL_EARLY_STOPPING_AVERAGES\]/,
    );
  });
});
