import { join } from 'node:path';
import { RecordingLogger } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { readCocoResults, writeCocoResults } from '../coco-eval/coco-results.ts';
import { evaluateVoc } from '../coco-eval/voc-ap.ts';
import { CocoEvaluator } from './coco-evaluator.ts';
import type { DetectionDataset } from './detection-dataset.ts';
import { indexTruth } from './detection-dataset.ts';
import { VocEvaluator } from './voc-evaluator.ts';

beforeAll(() => selectDevice('auto'));

const object = (box: [number, number, number, number], category: number) => ({
  box,
  category,
  iscrowd: 0 as const,
  area: (box[2] - box[0]) * (box[3] - box[1]),
});
const dataset: DetectionDataset = {
  records: [
    { imageId: 'a', width: 200, height: 100, annotations: [object([20, 10, 60, 30], 0)] },
    { imageId: 'b', width: 200, height: 100, annotations: [object([100, 0, 200, 100], 1)] },
  ],
  metadata: { classes: ['cat', 'dog', 'cow'], categoryIds: [5, 9, 7] },
};
/** Half the size of the images in the data set. */
const batch = () => ({ images: tf.zeros([2, 50, 100, 3]), records: dataset.records });
const outputs = (scores: number[]) => ({
  boxes: tf.tensor3d([10, 5, 30, 15, 50, 0, 100, 50], [2, 1, 4]),
  scores: tf.tensor3d(scores, [2, 1, 3]),
});

describe('CocoEvaluator', () => {
  it("reports COCO's metrics times 100, by class too", async () => {
    const evaluator = new CocoEvaluator({ truth: dataset });
    await evaluator.process(batch(), outputs([0.9, 0, 0, 0, 0.8, 0]));
    const { bbox } = (await evaluator.evaluate()) as { bbox: Record<string, number> };
    expect(Object.keys(bbox)).toEqual('AP,AP50,AP75,APs,APm,APl,AP-cat,AP-cow,AP-dog'.split(','));
    expect(bbox).toMatchObject({ APm: NaN, 'AP-cow': NaN });
    for (const name of ['AP', 'AP50', 'APs', 'APl', 'AP-cat', 'AP-dog']) expect(bbox[name]).toBeCloseTo(100, 9);
    expect(evaluator.detections[1]).toEqual({
      image_id: 2,
      category_id: 9,
      bbox: [100, 0, 100, 100],
      score: Math.fround(0.8),
    });
    evaluator.reset();
    await evaluator.process(batch(), outputs([0, 0.9, 0, 0, 0.8, 0]));
    expect(await evaluator.evaluate()).toMatchObject({ bbox: { 'AP-cat': 0 } });
  });

  it('has no results without images, and NaN without detections', async () => {
    const logger = new RecordingLogger();
    const evaluator = new CocoEvaluator({ truth: dataset, task: 'boxes', logger });
    expect(await evaluator.evaluate()).toBeUndefined();
    await evaluator.process(batch(), outputs([0, 0, 0, 0, 0, 0]));
    expect(await evaluator.evaluate()).toMatchObject({ boxes: { AP: NaN, AP50: NaN, 'AP-cat': NaN } });
    expect(logger.matching('the model detects nothing in 2 images')).toHaveLength(1);
  });

  it('logs AP, and that of each class in columns', async () => {
    const logger = new RecordingLogger();
    for (const Evaluator of [CocoEvaluator, VocEvaluator]) {
      const evaluator = new Evaluator({ truth: dataset, logger });
      await evaluator.process(batch(), outputs([0.9, 0, 0, 0, 0, 0]));
      await evaluator.evaluate();
    }
    const line = 'bbox: AP 50.0, AP50 50.0, AP75 50.0; AP of each class:\n  cat 100.0   cow   NaN   dog   0.0';
    expect(logger.lines).toEqual([line, line]);
  });

  it('takes detections, and the part of the input that shows the image', async () => {
    const evaluator = new CocoEvaluator({
      truth: dataset,
      images: () => dataset.records.map((record) => ({ ...record, inputWidth: 50, inputHeight: 25 })),
    });
    const one = { scores: Float32Array.of(0.5), classes: Int32Array.of(0) };
    const none = { boxes: new Float32Array(0), scores: new Float32Array(0), classes: new Int32Array(0) };
    await evaluator.process({}, [{ ...one, boxes: Float32Array.of(5, 2.5, 15, 7.5) }, none]);
    expect(evaluator.detections).toEqual([{ image_id: 1, category_id: 5, bbox: [20, 10, 40, 20], score: 0.5 }]);
  });

  it("writes COCO's results file", async () => {
    const folder = temporaryFolder();
    const resultsFile = join(folder, 'inference', 'cats', 'coco_instances_results.json');
    const evaluator = new CocoEvaluator({ truth: dataset, resultsFile });
    await evaluator.process(batch(), outputs([0.9, 0, 0, 0, 0.8, 0]));
    await evaluator.evaluate();
    expect(await readCocoResults(resultsFile)).toEqual(evaluator.detections);
    await writeCocoResults(resultsFile, []);
    expect(await readCocoResults(resultsFile)).toEqual([]);
    await expect(readCocoResults(join(folder, 'none.json'))).rejects.toThrow('HKL_COCO_RESULTS');
  });

  it.each([
    [() => ({ images: tf.zeros([1, 2, 2, 3]) }), 'HKL_DETECT_RECORDS'],
    [() => ({ records: dataset.records }), 'the batch has no tensor images'],
    [() => ({ images: tf.zeros([1, 2, 2, 3]), records: [{ imageId: 'c', width: 1, height: 1 }] }), 'the image "c"'],
  ])('refuses batches that do not fit: %#', async (odd, message) => {
    const evaluator = new CocoEvaluator({ truth: dataset });
    await expect(evaluator.process(odd(), outputs([1, 0, 0, 0, 1, 0]))).rejects.toThrow(message);
  });

  it('refuses a batch that names more images than there are detections for', async () => {
    const found = { boxes: Float32Array.of(0, 0, 1, 1), scores: Float32Array.of(1), classes: Int32Array.of(1) };
    await expect(new CocoEvaluator({ truth: dataset }).process(batch(), [found])).rejects.toThrow(
      '[HKL_DETECT_RECORDS] detection evaluation: the batch names 2 images, and there are detections for 1',
    );
  });

  it('refuses classes that the data set does not have', async () => {
    const truth = { ...dataset, metadata: { classes: ['cat'] }, records: dataset.records.slice(0, 1) };
    const found = { boxes: Float32Array.of(0, 0, 1, 1), scores: Float32Array.of(1), classes: Int32Array.of(1) };
    await expect(new CocoEvaluator({ truth }).process(batch(), [found])).rejects.toThrow('HKL_DETECT_CLASS');
  });
});

describe('indexTruth', () => {
  it('keeps ids that are numbers', () => {
    const records = dataset.records.map((record, place) => ({ ...record, imageId: 40 - place }));
    expect(indexTruth({ ...dataset, records }).truth.annotations.map((each) => each.image_id)).toEqual([40, 39]);
  });

  it('takes a COCO file as it is, its categories in ascending order', () => {
    const truth = {
      images: [{ id: 3 }],
      categories: [
        { id: 8, name: 'x' },
        { id: 2, name: 'y' },
      ],
      annotations: [],
    };
    expect(indexTruth(truth)).toMatchObject({ truth, categoryIds: [2, 8] });
  });
});

describe("Pascal VOC's average precision", () => {
  const truth = {
    images: [{ id: 1 }, { id: 2 }],
    categories: [
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ],
    annotations: [0, 20, 40].map((x, place) => ({
      image_id: 1,
      category_id: 1,
      bbox: [x, 0, 10, 10] as const,
      area: 100,
      iscrowd: 0,
      difficult: place === 2,
    })),
  };
  const at = (image: number, x: number, score: number, width = 10) => ({
    image_id: image,
    category_id: 1,
    bbox: [x, 0, width, 10] as const,
    score,
  });

  it('is the area under the curve', () => {
    // Correct, duplicate, difficult, in the wrong image, and with an IoU of exactly 0.5.
    const found = [at(1, 0, 0.9), at(1, 1, 0.8), at(1, 40, 0.7), at(2, 0, 0.6), at(1, 20, 0.5, 5)];
    const { precision, categories } = evaluateVoc(truth, found, { iouThresholds: [0.5, 0.49] });
    expect(categories).toEqual([1, 2]);
    expect(precision[0]).toEqual([0.5, NaN]);
    // Precision 1 up to recall 1/2, then 2 of 4.
    expect(precision[1]?.[0]).toBeCloseTo(0.5 + 0.5 * 0.5, 12);
    const in2007 = evaluateVoc(truth, found, { iouThresholds: [0.49], use2007: true });
    expect(in2007.precision[0]?.[0]).toBeCloseTo((6 * 1 + 5 * 0.5) / 11, 12);
  });

  /** Two images; class 0 has three objects and a difficult one, class 1 one, class 2 none. */
  const worked: DetectionDataset = {
    records: [
      {
        imageId: 1,
        width: 100,
        height: 50,
        annotations: [
          object([0, 0, 10, 10], 0),
          object([20, 0, 30, 10], 0),
          { ...object([40, 0, 50, 10], 0), difficult: true },
        ],
      },
      { imageId: 2, width: 100, height: 50, annotations: [object([0, 0, 10, 10], 0), object([30, 0, 50, 20], 1)] },
    ],
    metadata: { classes: ['a', 'b', 'c'] },
  };
  const detections = (
    rows: readonly (readonly [x1: number, y1: number, x2: number, y2: number, score: number, kind: number])[],
  ) => ({
    boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
    scores: Float32Array.from(rows, (row) => row[4]),
    classes: Int32Array.from(rows, (row) => row[5]),
  });
  const first = detections([
    // A detection of nothing.
    [60, 20, 80, 40, 0.95, 1],
    [0, 0, 10, 10, 0.9, 0],
    // An IoU of 8 / 12.
    [22, 0, 32, 10, 0.8, 0],
    // A detection of the difficult object, which is ignored.
    [40, 0, 50, 10, 0.7, 0],
    // A duplicate.
    [0, 0, 10, 10, 0.6, 0],
  ]);
  // An IoU of 0.82, and of 1.
  const second = detections([
    [0, 0, 8.2, 10, 0.5, 0],
    [30, 0, 50, 20, 0.4, 1],
  ]);
  const evaluateWorked = async (options: { use2007?: boolean } = {}) => {
    const evaluator = new VocEvaluator({
      truth: worked,
      images: () => worked.records.map((record) => ({ ...record, inputWidth: 100, inputHeight: 50 })),
      ...options,
    });
    await evaluator.process({}, [first, second]);
    return ((await evaluator.evaluate()) as { bbox: Record<string, number> }).bbox;
  };

  it('over all thresholds and classes equals the value computed by hand', async () => {
    // Of class a, by score, at the IoUs 0.5 to 0.65: right, right, twice, right; the area is 1/3 + 1/3 + 1/3 · 3/4.
    // At 0.7 to 0.8: right, wrong, wrong, right, 1/3 + 1/3 · 1/2. Above: right, wrong, wrong, wrong, 1/3.
    // Of class b: wrong, right: 1/2.
    const a = (4 * (11 / 12) + 3 * (1 / 2) + 3 * (1 / 3)) / 10;
    const { 'AP-c': none, ...known } = await evaluateWorked();
    expect(none).toBeNaN();
    expect(Object.keys(known)).toEqual(['AP', 'AP50', 'AP75', 'AP-a', 'AP-b']);
    expect(known['AP']).toBeCloseTo((100 * (a + 1 / 2)) / 2, 9);
    expect(known['AP50']).toBeCloseTo((100 * (11 / 12 + 1 / 2)) / 2, 9);
    expect(known['AP75']).toBeCloseTo((100 * (1 / 2 + 1 / 2)) / 2, 9);
    expect(known['AP-a']).toBeCloseTo(100 * a, 9);
    expect(known['AP-b']).toBeCloseTo(50, 9);
  });

  it('by the eleven points of VOC 2007 equals the value computed by hand', async () => {
    // Recalls of 0 to 0.6 at a precision of 1, 0.7 to 1 at 3/4; 0 to 0.3 at 1, 0.4 to 0.6 at 1/2; 0 to 0.3 at 1.
    const [low, middle, high] = [(7 + 4 * 0.75) / 11, (4 + 3 * 0.5) / 11, 4 / 11];
    const known = await evaluateWorked({ use2007: true });
    expect(known['AP50']).toBeCloseTo((100 * (low + 0.5)) / 2, 9);
    expect(known['AP-a']).toBeCloseTo((100 * (4 * low + 3 * middle + 3 * high)) / 10, 9);
  });

  it('is reported times 100', async () => {
    const evaluator = new VocEvaluator({ truth: dataset });
    expect(await evaluator.evaluate()).toBeUndefined();
    await evaluator.process(batch(), outputs([0.9, 0, 0, 0.8, 0, 0]));
    expect(await evaluator.evaluate()).toEqual({
      bbox: { AP: 50, AP50: 50, AP75: 50, 'AP-cat': 100, 'AP-dog': 0, 'AP-cow': NaN },
    });
  });
});
