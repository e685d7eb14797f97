import { RandomStream } from '@hookline/core';
import { selectDevice, tf } from '@hookline/tfjs';
import { matchAnchors } from './anchor-matching.ts';
import { makeAnchors } from './anchors.ts';
import { decodeDeltas, encodeDeltas } from './box-deltas.ts';
import { giouLoss, smoothL1Loss } from './box-losses.ts';
import { centreSampling } from './centre-sampling.ts';
import { sigmoidFocalLoss } from './focal-loss.ts';
import { levelSizes } from './centre-sampling.ts';

beforeAll(() => selectDevice('auto'));

type Box = readonly [number, number, number, number];
const random = new RandomStream(9, 'targets');
const randomBox = (): Box => {
  const [x, y] = [random.float() * 40, random.float() * 24];
  return [x, y, x + 1 + random.float() * 20, y + 1 + random.float() * 14];
};
const [BATCH, COUNT] = [3, 6];
const boxes = Array.from({ length: BATCH }, () => Array.from({ length: COUNT }, randomBox));
const counts = [6, 2, 0];
const objects = () => ({
  boxes: tf.tensor3d(boxes as unknown as number[][][]),
  classes: tf.tensor2d(
    boxes.map((row) => row.map((_, place) => place % 4)),
    [BATCH, COUNT],
    'int32',
  ),
  mask: tf.tensor2d(counts.map((count) => Array.from({ length: COUNT }, (_, place) => (place < count ? 1 : 0)))),
});
const areaOf = ([x1, y1, x2, y2]: Box): number => (x2 - x1) * (y2 - y1);

function iou(a: Box, b: Box): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return (width * height) / (areaOf(a) + areaOf(b) - width * height);
}

describe('centreSampling', () => {
  it.each([
    [4, [0, Infinity]],
    [8, [5, 19]],
  ] as const)('agrees with a loop over cells and boxes at stride %d', (stride, sizes) => {
    const [height, width] = [32 / stride, 48 / stride];
    const feature = { tensor: tf.zeros([BATCH, height, width, 1]) as tf.Tensor4D, stride };
    const got = centreSampling(feature, objects(), { radius: 1.5, sizes });
    const [positive, picked, classes] = [got.positive, got.boxes, got.classes].map((each) => each.dataSync()) as [
      Float32Array,
      Float32Array,
      Int32Array,
    ];
    let found = 0;
    for (let cell = 0; cell < BATCH * height * width; cell++) {
      const image = Math.floor(cell / (height * width));
      const [row, column] = [Math.floor(cell / width) % height, cell % width];
      const [px, py] = [(column + 0.5) * stride, (row + 0.5) * stride];
      const near = (p: number, low: number, high: number): boolean =>
        Math.abs(p - (low + high) / 2) <= Math.min(Math.max((high - low) / 2, stride / 2), 1.5 * stride);
      const claims = (boxes[image] as Box[])
        .map((box, place) => ({ box, place }))
        .slice(0, counts[image])
        .filter(({ box: [x1, y1, x2, y2] }) => {
          const longest = Math.max(x2 - x1, y2 - y1);
          return longest >= sizes[0] && longest < sizes[1] && near(px, x1, x2) && near(py, y1, y2);
        })
        .sort((a, b) => areaOf(a.box) - areaOf(b.box));
      expect(positive[cell]).toBe(claims.length === 0 ? 0 : 1);
      const [first] = claims;
      if (first === undefined) continue;
      found++;
      expect(classes[cell]).toBe(first.place % 4);
      first.box.forEach((side, at) => expect(picked[cell * 4 + at]).toBeCloseTo(side, 4));
    }
    expect(found).toBeGreaterThan(5);
  });

  it('gives every object at least one cell', () => {
    const tiny = { boxes: tf.tensor3d([[[9.9, 9.9, 10.1, 10.1]]]), classes: tf.tensor2d([[0]], [1, 1], 'int32') };
    const feature = { tensor: tf.zeros([1, 8, 8, 1]) as tf.Tensor4D, stride: 4 };
    const { positive } = centreSampling(feature, { ...tiny, mask: tf.ones([1, 1]) }, { radius: 1.5, sizes: [0, 99] });
    expect(positive.sum().dataSync()[0]).toBe(1);
  });

  it('divides object sizes among the levels', () =>
    expect(levelSizes([4, 8, 16])).toEqual([
      [0, 64],
      [64, 128],
      [128, Infinity],
    ]));
});

it('matchAnchors agrees with a loop over anchors and boxes', () => {
  const flat = makeAnchors(
    [
      [8, 8],
      [16, 8],
    ],
    { height: 4, width: 6, stride: 8 },
  );
  const anchors = tf.tensor2d(flat, [flat.length / 4, 4]);
  const got = matchAnchors(anchors, objects(), { foreground: 0.5, background: 0.4 });
  const [positive, counted, classes] = [got.positive, got.counted, got.classes].map((each) => each.dataSync()) as [
    Float32Array,
    Float32Array,
    Int32Array,
  ];
  const all = Array.from({ length: anchors.shape[0] }, (_, place): Box => {
    const [cx = 0, cy = 0, w = 0, h = 0] = flat.subarray(place * 4, place * 4 + 4);
    return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
  });
  for (let image = 0; image < BATCH; image++) {
    const truths = (boxes[image] as Box[]).slice(0, counts[image]);
    all.forEach((anchor, place) => {
      const overlaps = truths.map((truth) => iou(anchor, truth));
      const best = Math.max(0, ...overlaps);
      const isBest = truths.some((truth, t) => {
        const most = Math.max(...all.map((other) => iou(other, truth)));
        return most > 0 && Math.abs((overlaps[t] as number) - most) < 1e-6;
      });
      const at = image * all.length + place;
      expect(positive[at]).toBe(best >= 0.5 || isBest ? 1 : 0);
      expect(counted[at]).toBe(best >= 0.5 || isBest || best < 0.4 ? 1 : 0);
      if (best > 0) expect(classes[at]).toBe(overlaps.indexOf(best) % 4);
    });
  }
  expect(positive.reduce((sum, value) => sum + value)).toBeGreaterThan(5);
});

it('decoding inverts the encoding of deltas', () => {
  const flat = makeAnchors([[8, 12]], { height: 1, width: COUNT, stride: 8 });
  const anchors = tf.tensor2d(flat, [COUNT, 4]);
  const truth = tf.tensor3d(boxes as unknown as number[][][]);
  const apart = decodeDeltas(encodeDeltas(truth, anchors), anchors).sub(truth).abs().max();
  expect(apart.dataSync()[0]).toBeLessThan(1e-4);
});

describe('losses', () => {
  it('giouLoss is 1 - GIoU', () => {
    const [a, b] = [boxes[0] as Box[], boxes[1] as Box[]];
    const got = giouLoss(tf.tensor2d(a as unknown as number[][]), tf.tensor2d(b as unknown as number[][])).dataSync();
    a.forEach((box, at) => {
      const other = b[at] as Box;
      const overlap = iou(box, other);
      const union = (areaOf(box) + areaOf(other)) / (1 + overlap);
      const hull = areaOf([
        Math.min(box[0], other[0]),
        Math.min(box[1], other[1]),
        Math.max(box[2], other[2]),
        Math.max(box[3], other[3]),
      ]);
      expect(got[at]).toBeCloseTo(1 - (overlap - (hull - union) / hull), 4);
    });
  });

  it.each([
    [{}, 0.25, 2],
    [{ alpha: 0.6, gamma: 1 }, 0.6, 1],
    [{ gamma: 1.5 }, 0.25, 1.5],
  ])('sigmoidFocalLoss is its formula, also far out: %j', (options, alpha, gamma) => {
    const logits = [-60, -2, 0, 0.5, 3, 60];
    for (const target of [0, 1]) {
      const got = sigmoidFocalLoss(tf.tensor1d(logits), tf.fill([6], target), options).dataSync();
      logits.forEach((logit, at) => {
        const right = target === 1 ? logit : -logit;
        const p = 1 / (1 + Math.exp(-right));
        const expected = (target === 1 ? alpha : 1 - alpha) * (1 - p) ** gamma * Math.log1p(Math.exp(-right));
        expect(got[at]).toBeCloseTo(expected, 4);
      });
    }
  });

  it('smoothL1Loss is square near 0 and straight farther out', () => {
    const got = smoothL1Loss(tf.tensor1d([0, 0.05, -0.1, 1]), tf.zeros([4]), 0.1).dataSync();
    [0, 0.0125, 0.05, 0.95].forEach((value, at) => expect(got[at]).toBeCloseTo(value, 6));
  });
});
