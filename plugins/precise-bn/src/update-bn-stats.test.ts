import { selectDevice, tf, watchableBatchNorm } from '@hookline/tfjs';
import { updateBnStats } from './update-bn-stats.ts';

beforeAll(() => selectDevice('auto'));

function fixture(training = true) {
  const mean = tf.variable(tf.tensor1d([9]), false);
  const variance = tf.variable(tf.tensor1d([9]), false);
  const count = tf.variable(tf.scalar(0), false);
  const norm = watchableBatchNorm({ name: 'norm', mean, variance });
  const state = new Map<string, tf.Variable>([
    ['mean', mean],
    ['variance', variance],
    ['count', count],
  ]);
  const model = { name: 'm', training, state: () => state, batchNorms: () => [norm] };
  const values = () => [...state.values()].map((variable) => variable.dataSync()[0]);
  const pass = (numbers: readonly number[]) =>
    tf.tidy(() => norm.report(tf.tensor2d([...numbers], [numbers.length, 1])));
  return { model, values, pass, count };
}

describe('updateBnStats', () => {
  it('weights batches by their size: mean 3.25 and variance 3.6875 of (1, 2) and (4, 6), and of their halves', async () => {
    // Mean (1 + 2 + 4 + 6) / 4 = 3.25; E[x²] = 57 / 4 = 14.25; variance 14.25 - 3.25² = 3.6875.
    for (const batches of [
      [
        [1, 2],
        [4, 6],
      ],
      [[1], [2, 4, 6]],
    ]) {
      const { model, values, pass } = fixture();
      expect(await updateBnStats(model, 2, (index) => pass(batches[index] ?? []))).toBe(1);
      const [mean, variance, count] = values();
      expect([mean, count]).toEqual([3.25, 0]);
      expect(variance).toBeCloseTo(3.6875, 5);
    }
  });

  it('puts back whatever else the passes changed, and everything after an error', async () => {
    const { model, values, pass, count } = fixture();
    await updateBnStats(model, 1, () => {
      pass([1, 3]);
      count.assign(tf.scalar(5));
    });
    expect(values()).toEqual([2, 1, 0]);
    const failing = updateBnStats(model, 2, (index) => {
      if (index === 1) throw new Error('no more');
      pass([7, 9]);
    });
    await expect(failing).rejects.toThrow('no more');
    expect(values()).toEqual([2, 1, 0]);
  });

  it('refuses a model in eval mode and a layer that is passed through twice', async () => {
    await expect(updateBnStats(fixture(false).model, 1, () => undefined)).rejects.toMatchObject({
      code: 'HKL_BN_EVAL_MODE',
    });
    const { model, values, pass } = fixture();
    const twice = updateBnStats(model, 1, () => {
      pass([1]);
      pass([2]);
    });
    await expect(twice).rejects.toMatchObject({ code: 'HKL_BN_REUSED' });
    expect(values()).toEqual([9, 9, 0]);
  });
});
