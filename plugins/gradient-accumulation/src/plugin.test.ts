import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointsRef, definePlugin, readCheckpoint, writeCheckpoint } from '@hookline/core';
import { checkPluginContract, tinyTraining, weightsOf } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { batches, training } from './linear-training.test.support.ts';
import { gradientAccumulation } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

describe('gradientAccumulation', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(gradientAccumulation.definition).toMatchObject({ name, version });
  });

  it.each([
    ['mean', 'off'],
    ['sum', 'off'],
    ['mean', 'required'],
  ] as const)('k steps of a batch of b equal one of k·b (%s, capture %s)', async (reduction, capture) => {
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const big = training(12, 8, [], { reduction });
    await big.trainer.train();
    const small = training(4, 24, [gradientAccumulation({ steps: 3, reduction })], { reduction, capture });
    await small.trainer.train();
    small.weights().forEach((weight, i) => expect(weight).toBeCloseTo(big.weights()[i] ?? NaN, 6));
    const plain = training(4, 24, [], { reduction });
    await plain.trainer.train();
    expect(Math.abs((plain.weights()[0] ?? NaN) - (big.weights()[0] ?? NaN))).toBeGreaterThan(1e-4);
  });

  it('changes weights at every k-th step only, and later taps see those alone', async () => {
    const seen: string[] = [];
    let updates = 0;
    const watch = definePlugin({
      name: 'watch',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.gradients.tap((gradients) => void seen.push(Object.keys(gradients).join()));
        hooks.afterUpdate.tap(() => {
          updates++;
        });
      },
    })();
    const { trainer, weights } = training(4, 2, [gradientAccumulation({ steps: 3 }), watch]);
    const first = weights();
    await trainer.train();
    expect(weights()).toEqual(first);
    expect(updates).toBe(0);
    await trainer.train({ maxIterations: 3 });
    expect(weights()).not.toEqual(first);
    expect(updates).toBe(1);
    expect(seen).toEqual(['w']);
  });

  it('says how many steps at the end change nothing', async () => {
    const { trainer, logger } = training(4, 11, [gradientAccumulation({ steps: 3 })]);
    await trainer.train();
    expect(logger.matching('the last 2 of the steps until 11')).toHaveLength(1);
    const even = training(4, 12, [gradientAccumulation({ steps: 3 })]);
    await even.trainer.train();
    expect(even.logger.matching('the last')).toHaveLength(0);
  });

  it('waits for as many good micro-batches when a failed step is skipped', async () => {
    const poison = (at: number) =>
      definePlugin({
        name: 'poison',
        version: '1.0.0',
        setup({ hooks }) {
          let iteration = 0;
          hooks.beforeStep.tap((step) => void (iteration = step.iteration));
          hooks.losses.tap((losses) =>
            iteration === at ? { total_loss: tf.mul(losses['total_loss'] as tf.Scalar, NaN) } : losses,
          );
          hooks.stepFailed.tap(() => 'skip');
        },
      })();
    const failing = training(4, 4, [gradientAccumulation({ steps: 3 }), poison(1)]);
    await failing.trainer.train();
    // The same without the bad batch: 0, 2, 3.
    const data = [...batches(4)].filter((_, i) => i !== 1);
    const w = tf.variable(tf.tensor2d([0.3, -0.2, 0.1], [3, 1]));
    for (let i = 0; i < 1; i++) {
      const gradient = data.slice(0, 3).map(({ x, y }) => {
        const inputs = tf.tensor2d(x.data, x.shape as [number, number]);
        return tf.grad((v) =>
          inputs
            .matMul(v as tf.Tensor2D)
            .sub(tf.tensor2d(y.data, [4, 1]))
            .square()
            .mean(),
        )(w);
      });
      w.assign(w.sub(tf.addN(gradient).div(3).add(w.mul(0.01)).mul(0.02)));
    }
    const expected = w.dataSync();
    failing.weights().forEach((weight, i) => expect(weight).toBeCloseTo(expected[i] ?? NaN, 6));
  });

  it.each(['off', 'required'] as const)(
    'a micro-batch with NaN fails before it is added up, and the others make the update, capture %s',
    async (capture) => {
      // Only native TensorFlow runs graphs.
      if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
      const failed: [number, string | undefined][] = [];
      const skip = definePlugin({
        name: 'skip',
        version: '1.0.0',
        setup: ({ hooks }) => {
          hooks.stepFailed.tap((error, { iteration }) => {
            failed.push([iteration, (error as { code?: string }).code]);
            return 'skip';
          });
          return {};
        },
      })();
      const run = async (bad: readonly number[], steps: number) => {
        const data = () =>
          [...batches(4)].flatMap((batch, i) => {
            const x = { ...batch.x, data: Float32Array.from(batch.x.data).fill(NaN, 4, 5) };
            return bad.includes(i) ? [{ ...batch, x }, batch] : [batch];
          });
        const { trainer, weights } = training(4, steps, [gradientAccumulation({ steps: 3 }), skip], { capture, data });
        await trainer.train();
        return weights();
      };
      // The first, the middle and the last of an update's micro-batches.
      const withBad = await run([0, 4, 8], 12);
      expect(failed).toEqual([0, 5, 10].map((iteration) => [iteration, 'HKL_LOSS_NOT_FINITE']));
      const without = await run([], 9);
      expect(withBad.every(Number.isFinite)).toBe(true);
      withBad.forEach((weight, i) => expect(weight).toBeCloseTo(without[i] ?? NaN, 6));
    },
  );

  describe('resuming', () => {
    let dir: string;
    beforeEach(() => {
      dir = temporaryFolder();
    });

    const saver = definePlugin({
      name: 'saver',
      version: '1.0.0',
      requires: { checkpoints: checkpointsRef },
      setup({ hooks, checkpoints }) {
        hooks.afterStep.tap(async ({ iteration }) => {
          await checkpoints.save(`at-${iteration}`);
        });
      },
    });
    const tiny = (steps: number) => tinyTraining({ plugins: [gradientAccumulation({ steps }), saver()], output: dir });

    it('goes on in the middle of an accumulation, to the bit', async () => {
      const whole = tiny(4);
      await whole.train();
      for (const at of [3, 4, 5, 6]) {
        const resumed = tiny(4);
        await resumed.load(join(dir, `at-${at}.safetensors`));
        await resumed.train();
        expect(await weightsOf(resumed)).toEqual(await weightsOf(whole));
      }
    });

    it('with another number of steps is an error in the middle and none in between', async () => {
      await tiny(4).train();
      await expect(tiny(3).load(join(dir, 'at-5.safetensors'))).rejects.toThrow('2 of 4 micro-batches into an update');
      await tiny(3).load(join(dir, 'at-7.safetensors'));
    });
  });

  it('does not take sums that an earlier version made without the sizes of batches', async () => {
    const dir = temporaryFolder();
    const trainer = tinyTraining({ plugins: [gradientAccumulation({ steps: 4 })], output: dir, maxIterations: 3 });
    await trainer.train();
    await trainer.prepare();
    const { manifest, tensors } = await readCheckpoint(await trainer.checkpoints.save('new'));
    const old = structuredClone(manifest) as never as {
      entries: Record<string, { data: Record<string, { version: number }> }>;
    };
    old.entries['hookline/plugins']!.data[gradientAccumulation.definition.name]!.version = 1;
    await writeCheckpoint(join(dir, 'old.safetensors'), { manifest: old as never, tensors });
    await trainer.load(join(dir, 'new.safetensors'));
    await expect(trainer.load(join(dir, 'old.safetensors'))).rejects.toThrow(/HKL_ACCUMULATION_STEPS.*3 of 4/);
  });

  it('leaves no tensor behind', async () => {
    const { trainer } = training(4, 9, [gradientAccumulation({ steps: 3 })]);
    await trainer.train();
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 90 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('does nothing with steps 1, and refuses fewer', async () => {
    const plain = tinyTraining();
    await plain.train();
    const one = tinyTraining({ plugins: [gradientAccumulation({ steps: 1 })] });
    await one.train();
    expect(await weightsOf(one)).toEqual(await weightsOf(plain));
    await expect(tinyTraining({ plugins: [gradientAccumulation({ steps: 0 })] }).prepare()).rejects.toMatchObject({
      code: 'HKL_OPTION_INVALID',
    });
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => gradientAccumulation({ steps: 2 }),
      trainer: tinyTraining,
      // Long enough that steps which accumulate and steps which update are captured.
      iterations: 12,
    }));
});
