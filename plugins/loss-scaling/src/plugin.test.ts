import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointsRef, definePlugin } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { adam, selectDevice, sgd, stepScopeRef, tf, type TrainableModel } from '@hookline/tfjs';
import { lossScaling } from './plugin.ts';
import { bursts, isHere, MODES, scalars, spikes, stepLog, train } from './scaling.test.support.ts';

beforeAll(() => selectDevice('auto'));

const OPTIMIZERS = {
  sgd: (model: TrainableModel) => sgd(model, { learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }),
  adam: (model: TrainableModel) => adam(model, { learningRate: 0.05 }),
};

describe('lossScaling', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(lossScaling.definition).toMatchObject({ name, version });
  });

  describe.each(MODES)('capture %s', (capture) => {
    it.each(Object.entries(OPTIMIZERS))('changes no bit where nothing overflows, with %s', async (_, optimizer) => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const options = { capture, optimizer, maxIterations: 30 };
      const plain = await train([], options);
      const trainer = await train([lossScaling({ growthInterval: 4 })], options);
      expect(await weightsOf(trainer)).toEqual(await weightsOf(plain));
      expect(scalars(trainer, 'total_loss')).toEqual(scalars(plain, 'total_loss'));
      // 65536, doubled seven times.
      expect(scalars(trainer, 'loss_scale').at(-1)).toBe(2 ** 23);
    });

    it.each(Object.entries(OPTIMIZERS))(
      'an overflow changes neither weights nor optimizer, with %s',
      async (_, optimizer) => {
        if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
        const isSpike = (iteration: number) => [0, 4, 5].includes(iteration);
        const { log, plugin } = stepLog();
        const trainer = await train([spikes(isSpike), lossScaling(), plugin], { capture, optimizer, maxIterations: 8 });
        for (let iteration = 0; iteration < 8; iteration++) {
          const [before, after] = [log[iteration]?.training, log[iteration + 1]?.training];
          expect(Object.keys(before ?? {}).length).toBeGreaterThan(3);
          if (isSpike(iteration)) expect(after).toEqual(before);
          else expect(after).not.toEqual(before);
        }
        expect(scalars(trainer, 'loss_scale')).toEqual([65536, ...[32768, 32768, 32768, 32768], 16384, 8192, 8192]);
        expect(scalars(trainer, 'skipped_steps')).toEqual([1, 1, 1, 1, 2, 3, 3, 3]);
        // What is reported is the loss itself, times what the spike makes of it.
        const losses = scalars(trainer, 'total_loss');
        expect(losses.every(Number.isFinite)).toBe(true);
        expect(losses.map((loss) => loss > 1e20)).toEqual(losses.map((_loss, iteration) => isSpike(iteration)));
      },
    );

    it('is as if the skipped steps had not been there', async () => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const weights = async (batches: number, spoilt: number[]) => {
        const plugins = [spikes((iteration) => spoilt.includes(iteration)), lossScaling()];
        return weightsOf(await train(plugins, { capture, maxIterations: batches }));
      };
      expect(await weights(3, [2])).toEqual(await weights(2, []));
      expect(await weights(4, [2, 3])).toEqual(await weights(2, []));
      expect(await weights(4, [2])).not.toEqual(await weights(2, []));
    });

    it('leaves no tensor behind', async () => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const trainer = tinyTraining({
        plugins: [spikes((i) => i % 3 === 1), lossScaling({ growthInterval: 2 })],
        capture,
      });
      await trainer.train({ maxIterations: 4 });
      const before = tf.memory().numTensors;
      await trainer.train({ maxIterations: 60 });
      expect(tf.memory().numTensors).toBe(before);
    });

    it('resumes to the bit, in the middle of what it has counted', async () => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const dir = temporaryFolder();
      const saver = definePlugin({
        name: 'saver',
        version: '1.0.0',
        requires: { checkpoints: checkpointsRef },
        setup({ hooks, checkpoints }) {
          hooks.afterStep.tap(async ({ iteration }) => void (await checkpoints.save(`at-${iteration}`)));
        },
      });
      const make = (seed: number, name: string) => {
        const { log, plugin } = stepLog();
        const plugins = [spikes((i) => i % 7 === 3), lossScaling({ growthInterval: 4 }), plugin, saver()];
        return { log, trainer: tinyTraining({ plugins, output: join(dir, name), seed, capture, maxIterations: 16 }) };
      };
      const whole = make(1, 'whole');
      await whole.trainer.train();
      // Between growing and backing off; at a skipped step.
      for (const at of [5, 9, 10]) {
        const { log, trainer } = make(99, `from-${at}`);
        await trainer.load(join(dir, 'whole', `at-${at}.safetensors`));
        await trainer.train();
        expect({ at, end: log.at(-1) }).toEqual({ at, end: whole.log.at(-1) });
        expect(scalars(trainer, 'loss_scale')).toEqual(scalars(whole.trainer, 'loss_scale'));
      }
    });

    it('lets a loss that is not finite fail the step, scale and weights as they were', async () => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const { log, plugin } = stepLog();
      const infinite = definePlugin({
        name: 'infinite',
        version: '1.0.0',
        requires: { scope: stepScopeRef },
        setup({ hooks, scope }) {
          let iteration = 0;
          hooks.beforeStep.tap((step) => void ({ iteration } = step));
          const factor = scope.value.input('infinite', () => (iteration === 2 ? Infinity : 1));
          hooks.losses.tap(({ total_loss: loss }) => ({ total_loss: tf.mul(loss as tf.Scalar, factor.tensor()) }));
        },
      })();
      const trainer = tinyTraining({ plugins: [infinite, lossScaling(), plugin], capture });
      await expect(trainer.train()).rejects.toThrow('HKL_LOSS_NOT_FINITE');
      expect(trainer.iteration).toBe(2);
      await trainer.prepare();
      expect(log.at(-1)?.scaler).toEqual([65536, 2, 0]);
    });
  });

  it('is the same captured as eagerly, with overflows in between', async () => {
    if (!isHere('required')) skipTest('captured steps need native TensorFlow');
    const run = async (capture: 'off' | 'required') => {
      const plugins = [spikes((i) => i % 13 === 4), lossScaling({ growthInterval: 5 })];
      const trainer = await train(plugins, { capture, maxIterations: 60 });
      const weights = Object.values(await weightsOf(trainer)).flat();
      const [scales, skipped] = [scalars(trainer, 'loss_scale'), scalars(trainer, 'skipped_steps')];
      return { weights, scales, skipped, losses: scalars(trainer, 'total_loss') };
    };
    const [eager, captured] = [await run('off'), await run('required')];
    expect(captured.scales).toEqual(eager.scales);
    expect(captured.skipped).toEqual(eager.skipped);
    expect(eager.skipped.at(-1)).toBe(5);
    // A fused update rounds otherwise in the last bit.
    const far = (a: readonly number[], b: readonly number[]) =>
      Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN)) / Math.max(1, Math.abs(value))));
    expect(far(captured.weights, eager.weights)).toBeLessThan(1e-6);
    expect(far(captured.losses, eager.losses)).toBeLessThan(1e-5);
  });

  it('reads nothing of its metrics before somebody asks, in eager steps', async () => {
    const watch = definePlugin({
      name: 'watch',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterStep.tap((_, { metrics }) => {
          expect([typeof metrics?.['loss_scale'], typeof metrics?.['skipped_steps']]).toEqual(['object', 'object']);
        });
      },
    })();
    await train([lossScaling(), watch], { capture: 'off', maxIterations: 3 });
  });

  it('warns when no scale helps', async () => {
    if (!isHere('required')) skipTest('captured steps need native TensorFlow');
    const logger = new RecordingLogger();
    const { log, plugin } = stepLog();
    const plugins = [bursts((i) => i > 3), lossScaling(), plugin];
    await train(plugins, { capture: 'required', maxIterations: 80, logger });
    expect(logger.matching('all updates from iteration 4 to 35 were skipped')).toHaveLength(1);
    expect(log.at(-1)?.training).toEqual(log[4]?.training);
    const few = new RecordingLogger();
    await train([bursts((i) => i % 9 !== 0), lossScaling()], { capture: 'required', maxIterations: 60, logger: few });
    expect(few.matching('were skipped')).toEqual([]);
  });

  it('refuses options that make no sense, and a second scale', async () => {
    for (const options of [
      { initScale: 0 },
      { initScale: Infinity },
      { growthFactor: 1 },
      { backoffFactor: 1 },
      { backoffFactor: 0 },
      { growthInterval: 0 },
      { growthInterval: 2.5 },
    ]) {
      const trainer = tinyTraining({ plugins: [lossScaling(options)] });
      await expect(trainer.prepare()).rejects.toMatchObject({ code: 'HKL_OPTION_INVALID' });
    }
    const two = tinyTraining({ plugins: [lossScaling(), lossScaling({}, { instance: 'b' })] });
    await expect(two.prepare()).rejects.toThrow(/HKL_WRITTEN_TWICE.*lossScale/);
    // A plugin that does not say what it writes is found when it does so.
    const undeclared = definePlugin({
      name: 'undeclared',
      version: '1.0.0',
      requires: { scope: stepScopeRef },
      setup: ({ scope }) => scope.value.scaleLoss(() => tf.scalar(2)),
    });
    const beside = tinyTraining({ plugins: [lossScaling(), undeclared()] });
    await expect(beside.prepare()).rejects.toThrow('the loss of this step is scaled already');
  });

  it.each([0.05, 1] as const)('keeps the contract of plugins, rate %d', (learningRate) =>
    checkPluginContract({
      plugin: () => lossScaling({ growthInterval: 2 }),
      beside: () => [spikes((iteration) => iteration % 3 === 1)],
      trainer: (options) =>
        tinyTraining({ ...options, optimizer: (model) => sgd(model, { learningRate, momentum: 0.5 }) }),
      observe: (trainer) => [trainer.storage.history('total_loss').values().slice(-2), scalars(trainer, 'loss_scale')],
    }),
  );
});
