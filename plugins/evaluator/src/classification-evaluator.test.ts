import { selectDevice, tf } from '@hookline/tfjs';
import { ClassificationEvaluator } from './classification-evaluator.ts';

beforeAll(() => selectDevice('auto'));

const scores = () =>
  tf.tensor2d([
    [0.1, 0.7, 0.2],
    [0.5, 0.3, 0.2],
    [0.1, 0.4, 0.5],
    [0.2, 0.5, 0.3],
  ]);

describe('ClassificationEvaluator', () => {
  it('computes accuracy, top-k and accuracy within classes', async () => {
    const evaluator = new ClassificationEvaluator({ topK: [2, 3], classNames: ['a', 'b', 'c', 'd'] });
    await evaluator.process({ y: tf.tensor1d([1, 1, 2, 0], 'int32') }, scores());
    expect(evaluator.evaluate()).toEqual({
      accuracy: 0.5,
      top_2: 0.75,
      top_3: 1,
      'accuracy-a': 0,
      'accuracy-b': 0.5,
      'accuracy-c': 1,
      'accuracy-d': NaN,
    });
    evaluator.reset();
    expect(evaluator.evaluate()).toMatchObject({ accuracy: NaN });
  });

  it('adds batches up, takes one-hot labels, arrays, and columns', async () => {
    const evaluator = new ClassificationEvaluator({ task: 'digits' });
    const before = tf.memory().numTensors;
    const outputs = scores();
    const oneHot = tf.oneHot(tf.tensor1d([1, 0, 2, 1], 'int32'), 3);
    await evaluator.process([undefined, oneHot], outputs);
    await evaluator.process({ labels: [0, 0, 0, 0] }, outputs);
    const column = tf.tensor2d([[1], [0], [2], [1]]);
    await evaluator.process({ ys: column }, outputs);
    expect(evaluator.evaluate()).toEqual({ digits: { accuracy: 9 / 12 } });
    // The index tensor that oneHot was made of is the one more.
    tf.dispose([outputs, oneHot, column]);
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('never takes NaN for right, and the first of equal scores for the best', async () => {
    const evaluator = new ClassificationEvaluator();
    const outputs = tf.tensor2d([
      [NaN, NaN],
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
    await evaluator.process({ y: tf.tensor1d([0, 0, 1]) }, outputs);
    expect(evaluator.evaluate()).toEqual({ accuracy: 1 / 3 });
  });

  it.each([
    [{ y: [0, 0, 0, 7] }, 'the label 7 is not one of the 3 classes'],
    [{ y: [0, 0] }, 'neither a tensor nor an array of one number per sample'],
    [{ z: [0] }, 'no labels found in the batch (z)'],
    [7, 'no labels found in the batch ()'],
  ])('refuses what does not fit: %p', async (batch, message) => {
    await expect(new ClassificationEvaluator().process(batch, scores())).rejects.toThrow(message);
  });

  it('refuses scores that are none, and a k that is none', async () => {
    await expect(new ClassificationEvaluator().process({ y: [0] }, tf.tensor1d([1]))).rejects.toThrow(
      'not a tensor [batch',
    );
    expect(() => new ClassificationEvaluator({ topK: [0] })).toThrow('HKL_EVAL_OPTION');
  });
});
