import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { selectDevice, sgd, adam, stepScopeRef, tf } from '@hookline/tfjs';
import type { AnomalyGuardOptions } from './options.ts';
import { anomalyGuard } from './plugin.ts';

let output: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  output = temporaryFolder();
});

/** A trainer without tensors with these losses. */
function bare(losses: readonly number[], options: AnomalyGuardOptions) {
  const logger = new RecordingLogger();
  const step = ({ iteration }: { iteration: number }) => losses[iteration] ?? NaN;
  const plugins = [anomalyGuard(options)];
  return { logger, trainer: new TrainerBase({ step, maxIterations: losses.length, plugins, output, logger }) };
}

const reports = async () => (await readdir(join(output, 'anomalies')).catch(() => [])).sort();
const read = async (name: string) => JSON.parse(await readFile(join(output, 'anomalies', name), 'utf8')) as unknown;

/** Multiplies the loss, or the gradient of the bias, by NaN at some iterations. */
const poison = (where: 'losses' | 'gradients', at: readonly number[]) =>
  definePlugin({
    name: 'poison',
    version: '1.0.0',
    before: ['@hookline/plugin-anomaly-guard?'],
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      hooks.beforeStep.tap((step) => {
        ({ iteration } = step);
      });
      const factor = scope.value.input('poison', () => (at.includes(iteration) ? NaN : 1));
      if (where === 'losses') {
        hooks.losses.tap((losses) => ({ total_loss: tf.mul(losses['total_loss'] as tf.Scalar, factor.tensor()) }));
      } else {
        hooks.gradients.tap((gradients) => ({
          ...gradients,
          'linear/bias': tf.mul(gradients['linear/bias'] as tf.Tensor, factor.tensor()),
        }));
      }
    },
  })();

/** Notes the weights after every step. */
function tiny(
  where: 'losses' | 'gradients',
  at: readonly number[],
  options: AnomalyGuardOptions,
  more: Partial<Parameters<typeof tinyTraining>[0]> = {},
) {
  const logger = new RecordingLogger();
  const plugins = [poison(where, at), anomalyGuard(options)];
  return { logger, trainer: tinyTraining({ plugins, output, logger, ...more }) };
}

describe('anomalyGuard', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(anomalyGuard.definition).toMatchObject({ name, version });
  });

  describe('losses that are not finite', () => {
    it('are skipped, up to so many in a row, and reported', async () => {
      const { trainer, logger } = bare([3, NaN, 2, NaN, Infinity, 1], { maxSkips: 2 });
      expect(await trainer.train()).toMatchObject({ status: 'completed' });
      expect(logger.matching('HKL_LOSS_NOT_FINITE')).toHaveLength(3);
      expect(await reports()).toEqual(['0000001-loss.json', '0000003-loss.json', '0000004-loss.json']);
      expect(await read('0000004-loss.json')).toEqual({
        iteration: 4,
        kind: 'loss',
        action: 'skip',
        message: expect.stringContaining('the loss became infinite or NaN: total_loss: Infinity'),
        recentLosses: [3, 2],
        medianLoss: 2.5,
        skippedInARow: 2,
      });
    });

    it('end the training when there are more', async () => {
      const { trainer } = bare([3, NaN, NaN, NaN, 1], { maxSkips: 2 });
      await expect(trainer.train()).rejects.toThrow('HKL_LOSS_NOT_FINITE');
      expect(trainer.iteration).toBe(3);
      expect(await read('0000003-loss.json')).toMatchObject({
        action: 'raise',
        message: expect.stringContaining('after 2 skipped steps in a row'),
      });
    });

    it('stop it, or raise, where asked', async () => {
      expect(await bare([3, NaN, 1], { loss: 'stop' }).trainer.train()).toMatchObject({
        status: 'stopped',
        iteration: 2,
      });
      await expect(bare([3, NaN, 1], { loss: 'raise' }).trainer.train()).rejects.toThrow('HKL_LOSS_NOT_FINITE');
    });

    it('leave other errors alone', async () => {
      const step = () => {
        throw new Error('boom');
      };
      const trainer = new TrainerBase({
        step,
        maxIterations: 2,
        plugins: [anomalyGuard()],
        output,
        logger: new RecordingLogger(),
      });
      await expect(trainer.train()).rejects.toThrow('boom');
      expect(await reports()).toEqual([]);
    });

    it.each(['off', 'required'] as const)('leave the weights as they were, capture %s', async (capture) => {
      // Only native TensorFlow runs graphs.
      if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
      const { trainer } = tiny('losses', [3, 4], {}, { capture, maxIterations: 3 });
      await trainer.train();
      const before = await weightsOf(trainer);
      await trainer.train({ maxIterations: 5 });
      expect(await weightsOf(trainer)).toEqual(before);
      await trainer.train({ maxIterations: 6 });
      expect(await weightsOf(trainer)).not.toEqual(before);
    });
  });

  describe('spikes', () => {
    const losses = [1, 1.1, 0.9, 1, 5, 1];
    const options = { minHistory: 4, factor: 3 };

    it('are warned of, and reported', async () => {
      const { trainer, logger } = bare(losses, options);
      await trainer.train();
      expect(logger.matching('the loss jumped to 5 at iteration 4, from a median of 1;')).toHaveLength(1);
      expect(await reports()).toEqual(['0000004-spike.json']);
      expect(await read('0000004-spike.json')).toMatchObject({
        kind: 'spike',
        action: 'warn',
        recentLosses: [1, 1.1, 0.9, 1],
      });
    });

    it('stop, raise or are left alone, where asked', async () => {
      expect(await bare(losses, { ...options, spike: 'stop' }).trainer.train()).toMatchObject({
        status: 'stopped',
        iteration: 5,
        reason: expect.stringContaining('jumped to 5'),
      });
      await expect(bare(losses, { ...options, spike: 'raise' }).trainer.train()).rejects.toThrow('HKL_ANOMALY');
      const off = bare(losses, { ...options, spike: 'off' });
      await off.trainer.train();
      expect(off.logger.matching('jumped')).toEqual([]);
      const young = bare(losses, { minHistory: 5 });
      await young.trainer.train();
      expect(young.logger.matching('jumped')).toEqual([]);
    });

    it('are found in losses that stay on the device, every so many steps', async () => {
      let reads = 0;
      const lazy = (value: number) => ({ read: () => (reads++, value) });
      const readsAt: number[] = [];
      const watch = definePlugin({
        name: 'watch',
        version: '1.0.0',
        after: ['@hookline/plugin-anomaly-guard'],
        setup: ({ hooks }) => hooks.afterStep.tap(() => void readsAt.push(reads)),
      })();
      const logger = new RecordingLogger();
      const trainer = new TrainerBase({
        step: ({ iteration }) => lazy(losses[iteration] ?? NaN),
        maxIterations: 6,
        plugins: [anomalyGuard({ ...options, period: 3 }), watch],
        output,
        logger,
      });
      await trainer.train();
      expect(readsAt).toEqual([0, 0, 3, 3, 3, 6]);
      expect(logger.matching('the loss jumped to 5 at iteration 4')).toHaveLength(1);
    });
  });

  describe.each(['off', 'required'] as const)('gradients that are not finite, capture %s', (capture) => {
    // Only native TensorFlow runs graphs.
    const isHere = () => capture === 'off' || tf.getBackend() === 'tensorflow';

    it('are reported by name', async () => {
      if (!isHere()) skipTest('captured steps need native TensorFlow');
      const { trainer, logger } = tiny(
        'gradients',
        [5],
        { period: 4, gradients: 'warn' },
        { capture, maxIterations: 6 },
      );
      await trainer.train();
      expect(logger.matching('variables became infinite or NaN (linear/bias)')).toHaveLength(1);
      expect(
        Object.values(await weightsOf(trainer))
          .flat()
          .every(Number.isFinite),
      ).toBe(true);
      expect(await read('0000005-gradients.json')).toMatchObject({ kind: 'gradients', gradients: ['linear/bias'] });
    });

    it.each([adam, sgd])('change neither weights nor optimizer when skipped (%p)', async (make) => {
      if (!isHere()) skipTest('captured steps need native TensorFlow');
      const optimizer = (model: Parameters<typeof adam>[0]) =>
        make === sgd
          ? sgd(model, { learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 })
          : adam(model, { learningRate: 0.05 });
      const { trainer, logger } = tiny(
        'gradients',
        [3, 4],
        { gradients: 'skip' },
        { capture, optimizer, maxIterations: 3 },
      );
      await trainer.train();
      const before = await weightsOf(trainer);
      await trainer.train({ maxIterations: 5 });
      expect(await weightsOf(trainer)).toEqual(before);
      await trainer.train({ maxIterations: 6 });
      expect(
        Object.values(await weightsOf(trainer))
          .flat()
          .every(Number.isFinite),
      ).toBe(true);
      expect(await weightsOf(trainer)).not.toEqual(before);
      expect(logger.matching('the update was skipped')).toHaveLength(2);
    });

    it('end the training when too many in a row were skipped, or at once', async () => {
      if (!isHere()) skipTest('captured steps need native TensorFlow');
      const many = tiny('gradients', [1, 2, 3, 4], { gradients: 'skip', maxSkips: 2 }, { capture });
      await expect(many.trainer.train()).rejects.toThrow('HKL_ANOMALY');
      expect(await read('0000003-gradients.json')).toMatchObject({ action: 'raise', skippedInARow: 3 });
      const { trainer } = tiny('gradients', [1], { gradients: 'raise' }, { capture });
      const failure = await trainer.train().then(
        () => undefined,
        (error: unknown) => error,
      );
      // Where the step itself failed its error comes first, with the guard's beside it.
      const all = failure instanceof AggregateError ? (failure.errors as Error[]) : [failure];
      expect(all.map(String).join('\n')).toContain('linear/bias');
      const stopped = tiny('gradients', [1], { gradients: 'stop', period: 2 }, { capture });
      expect(await stopped.trainer.train()).toMatchObject({ status: 'stopped', iteration: 2 });
    });
  });

  it.each(['off', 'required'] as const)('changes nothing in a healthy training, capture %s', async (capture) => {
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const plain = tinyTraining({ capture });
    await plain.train();
    const wanted = await weightsOf(plain);
    for (const gradients of ['warn', 'skip'] as const) {
      const trainer = tinyTraining({ plugins: [anomalyGuard({ gradients, period: 3 })], output, capture });
      await trainer.train();
      expect(await weightsOf(trainer)).toEqual(wanted);
      const before = tf.memory().numTensors;
      await trainer.train({ maxIterations: 60 });
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(await reports()).toEqual([]);
  });

  it('writes no more reports than asked', async () => {
    const { trainer, logger } = bare([1, NaN, 1, NaN, 1, NaN], { maxReports: 2 });
    await trainer.train();
    expect(await reports()).toHaveLength(2);
    expect(logger.matching('HKL_LOSS_NOT_FINITE')).toHaveLength(3);
  });

  it('keeps the contract of plugins, with tensors and without', async () => {
    await checkPluginContract({ plugin: () => anomalyGuard() });
    await checkPluginContract({ plugin: () => anomalyGuard({ period: 4 }), trainer: tinyTraining });
  });
});
