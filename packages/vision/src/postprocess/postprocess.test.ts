import { RandomStream } from '@hookline/core';
import { selectDevice, tf } from '@hookline/tfjs';
import { type Detections, nms, toImagePixels } from '@hookline/inference/detections';
import { postprocess } from './postprocess.ts';

beforeAll(() => selectDevice('auto'));

const found = (
  rows: readonly (readonly [x1: number, y1: number, x2: number, y2: number, score: number, kind: number])[],
): Detections => ({
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
  scores: Float32Array.from(rows, (row) => row[4]),
  classes: Int32Array.from(rows, (row) => row[5]),
});

describe('nms', () => {
  const rows = [
    [0, 0, 10, 10, 0.9, 0],
    [0, 0, 10, 9, 0.8, 0],
    [0, 0, 10, 10, 0.7, 1],
    [0, 0, 10, 5, 0.6, 0],
    [20, 20, 30, 30, 0.5, 0],
  ] as const;

  it('keeps the best of overlapping boxes, within a class', () => expect(nms(found(rows), 0.5)).toEqual([0, 2, 3, 4]));
  it('keeps boxes that overlap by exactly the threshold', () => expect(nms(found(rows), 0.9)).toEqual([0, 1, 2, 3, 4]));
  it('stops at the limit', () => expect(nms(found(rows), 0.5, 2)).toEqual([0, 2]));

  it("agrees with tfjs's for one class", () => {
    const random = new RandomStream(4, 'nms');
    const many = found(
      Array.from({ length: 200 }, (_, place) => {
        const [x, y] = [random.float() * 40, random.float() * 40];
        return [x, y, x + 5 + random.float() * 20, y + 5 + random.float() * 20, 1 - place / 200, 0] as const;
      }),
    );
    const theirs = tf.image.nonMaxSuppression(tf.tensor2d(many.boxes, [200, 4]), tf.tensor1d(many.scores), 200, 0.4);
    expect(nms(many, 0.4)).toEqual([...theirs.dataSync()]);
  });
});

describe('postprocess', () => {
  const outputs = () => ({
    boxes: tf.tensor3d([0, 0, 10, 10, 1, 0, 10, 10, 20, 20, 30, 30, 0, 0, 9, 9, 5, 5, 6, 6, 7, 7, 9, 9], [2, 3, 4]),
    scores: tf.tensor3d([0.9, 0.2, 0.8, 0.7, 0.01, 0.3, 0.04, 0, 0.01, 0.02, 0, 0], [2, 3, 2]),
  });

  it('gives the detections of each image, best first', async () => {
    const [first, second] = await postprocess(outputs());
    expect([...(first?.scores ?? [])].map((score) => Math.round(score * 100))).toEqual([90, 70, 30]);
    expect([...(first?.classes ?? [])]).toEqual([0, 1, 1]);
    expect([...(first?.boxes.subarray(4) ?? [])]).toEqual([1, 0, 10, 10, 20, 20, 30, 30]);
    expect(second?.scores).toHaveLength(0);
  });

  it('follows its options', async () => {
    const [all] = await postprocess(outputs(), { scoreThreshold: 0, nmsThreshold: 1 });
    expect(all?.scores).toHaveLength(6);
    expect((await postprocess(outputs(), { topK: 2 }))[0]?.scores).toHaveLength(1);
    expect((await postprocess(outputs(), { maxDetections: 1 }))[0]?.scores).toHaveLength(1);
  });
});

it('toImagePixels moves boxes to the original image and clips them to it', () => {
  const moved = toImagePixels(found([[-1, 5, 50, 60, 1, 0]]), { width: 40, height: 50 }, { width: 160, height: 100 });
  expect([...moved.boxes]).toEqual([0, 10, 160, 100]);
});
