import { readFile } from 'node:fs/promises';
import { definePlugin, evaluationRef, type Plugin } from '@hookline/core';
import { checkPluginContract, tinyBatches, tinyTraining, weightsOf } from '@hookline/testing';
import { functionModel, modelRef, selectDevice, tf } from '@hookline/tfjs';
import { meanLosses } from './mean-losses.ts';
import { validationLoss } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

/** Evaluates after each step. */
const evaluating = (seen: unknown[] = []): Plugin =>
  definePlugin({
    name: 'evaluating',
    version: '1.0.0',
    provides: ['evaluation'],
    requires: { evaluation: evaluationRef },
    setup: ({ hooks, evaluation }) => hooks.afterStep.tap(async (step) => void seen.push(await evaluation.run(step))),
  })();
const rows = (x: readonly number[]) => ({ x: { data: Float32Array.from(x), shape: [x.length] } });
/** A model whose losses are the mean of its inputs and, in train mode only, something else. */
const meanModel = () =>
  functionModel<{ x: tf.Tensor1D }>({
    variables: { w: tf.variable(tf.scalar(1)) },
    losses: ({ x }, training) => ({
      a: x.mean() as tf.Scalar,
      b: x
        .square()
        .mean()
        .mul(training ? 100 : 1) as tf.Scalar,
    }),
  });

describe('validationLoss', () => {
  it('has the name and version of its package, and keeps the contract of plugins', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(validationLoss.definition).toMatchObject({ name, version });
    await checkPluginContract({
      plugin: () => validationLoss({ loader: tinyBatches }),
      beside: () => [evaluating()],
      trainer: tinyTraining,
      observe: weightsOf,
    });
  });

  it.each(['off', 'required'] as const)(
    'gives the losses of held-out data and changes nothing, capture %s',
    async (capture) => {
      if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
      const seen: { val: { total_loss: number } }[] = [];
      const trainer = tinyTraining({ capture, plugins: [validationLoss({ loader: tinyBatches }), evaluating(seen)] });
      await trainer.train();
      const model = await trainer.service(modelRef);
      const wanted = await meanLosses(model, tinyBatches, () => 8, 'test');
      expect(seen).toHaveLength(12);
      expect(seen.at(-1)?.val.total_loss).toBe(wanted['total_loss']);
      expect(seen.at(-1)?.val.total_loss).toBeLessThan(seen[0]?.val.total_loss ?? 0);
      expect(model.training).toBe(true);
      const without = tinyTraining({ capture, plugins: [evaluating()] });
      await without.train();
      expect(await weightsOf(trainer)).toEqual(await weightsOf(without));
    },
  );

  it('weighs batches by their sizes, sums the losses and leaves no tensor behind', async () => {
    const model = meanModel();
    const before = tf.memory().numTensors;
    const sizes = (batch: unknown) => (batch as { x: tf.Tensor }).x.size;
    const found = await meanLosses(model, [rows([1, 2, 3]), rows([10])], sizes, 'test');
    expect(found['a']).toBeCloseTo(4, 5);
    // The mean of four squares, which eval mode computes.
    expect(found['b']).toBeCloseTo((1 + 4 + 9 + 100) / 4, 4);
    expect(found['total_loss']).toBeCloseTo(4 + 114 / 4, 4);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [[], /\[HKL_VALIDATION_DATA\].*holds no batch/],
    [[{ x: 3 }], /\[HKL_VALIDATION_DATA\].*no tensor/],
  ])('refuses the data %j', async (loader, message) => {
    const trainer = tinyTraining({ plugins: [validationLoss({ loader: loader as never }), evaluating()] });
    await expect(trainer.train()).rejects.toThrow(message);
  });

  it('refuses a second one of the same name', async () => {
    const plugins = [
      validationLoss({ loader: tinyBatches }),
      validationLoss({ loader: tinyBatches }, { instance: 'two' }),
      evaluating(),
    ];
    await expect(tinyTraining({ plugins }).train()).rejects.toThrow(
      /\[HKL_WRITTEN_TWICE\] .*#two: it writes metrics\/val/,
    );
  });
});
