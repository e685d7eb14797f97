import { selectDevice, tf } from '@hookline/tfjs';
import type { DenseOutputs } from '../detector/dense-head.ts';
import { boxVoting } from './box-voting.ts';
import { predictViews } from './predict-views.ts';
import type { Flip } from './views.ts';

beforeAll(() => selectDevice('auto'));

/** A detector that finds the bright pixels' hull, to the pixel. */
const hullFinder = {
  training: true,
  calls: [] as number[][],
  predict(images: unknown): DenseOutputs {
    const tensor = images as tf.Tensor4D;
    const [, height, width] = tensor.shape;
    this.calls.push([height, width]);
    const values = tf.tidy(() => tensor.mean(3).arraySync() as number[][][]);
    const rows = (values[0] as number[][]).flatMap((row, y) => (row.some((v) => v > 128) ? [y] : []));
    const columns = (values[0]?.[0] ?? []).flatMap((_, x) =>
      (values[0] as number[][]).some((row) => (row[x] as number) > 128) ? [x] : [],
    );
    const box = [Math.min(...columns), Math.min(...rows), Math.max(...columns) + 1, Math.max(...rows) + 1];
    return { boxes: tf.tensor3d([[box]]), scores: tf.tensor3d([[[0.5]]]) };
  },
};

function scene(): tf.Tensor4D {
  const pixels = new Float32Array(20 * 30 * 3);
  for (let y = 4; y < 10; y++) pixels.fill(255, (y * 30 + 3) * 3, (y * 30 + 15) * 3);
  return tf.tensor4d(pixels, [1, 20, 30, 3]);
}

describe('predictViews', () => {
  it.each(['none', 'horizontal', 'vertical', 'both'] as Flip[])('maps boxes of a view back: %s', async (flip) => {
    for (const scale of [1, 2, 1.5]) {
      const [found] = await predictViews(hullFinder, scene(), { flips: [flip], scales: [scale] });
      [3, 4, 15, 10].forEach((side, at) => expect(Math.abs((found?.boxes[at] as number) - side)).toBeLessThan(0.7));
    }
  });

  it('predicts every flip at every scale in eval mode, merges the detections, and leaks nothing', async () => {
    const images = scene();
    hullFinder.calls = [];
    const before = tf.memory().numTensors;
    const [found] = await predictViews(hullFinder, images);
    expect(tf.memory().numTensors).toBe(before);
    expect(hullFinder.calls).toEqual([
      [20, 30],
      [20, 30],
      [25, 38],
      [25, 38],
    ]);
    expect(found?.scores).toHaveLength(1);
    expect(hullFinder.training).toBe(true);
  });
});

describe('boxVoting', () => {
  const found = {
    boxes: Float32Array.of(0, 0, 10, 10, 2, 0, 12, 10, 0, 0, 10, 10, 40, 40, 50, 50),
    scores: Float32Array.of(0.3, 0.9, 0.8, 0.5),
    classes: Int32Array.of(0, 0, 1, 0),
  };

  it('moves the best box to the weighted mean of its class', () => {
    const { boxes, scores, classes } = boxVoting(found);
    expect([...classes]).toEqual([0, 1, 0]);
    expect([...scores].map((score) => Math.round(score * 10))).toEqual([9, 8, 5]);
    [1.5, 0, 11.5, 10, 0, 0, 10, 10, 40, 40, 50, 50].forEach((side, at) => expect(boxes[at]).toBeCloseTo(side, 5));
  });

  it('lets only boxes with enough overlap vote', () => {
    const { boxes } = boxVoting(found, { voteThreshold: 0.7 });
    expect([...boxes.subarray(0, 4)]).toEqual([2, 0, 12, 10]);
    expect(boxVoting(found, { maxDetections: 1 }).scores).toHaveLength(1);
    expect(boxVoting({ ...found, scores: new Float32Array(4), classes: found.classes }).boxes).toHaveLength(12);
  });
});
