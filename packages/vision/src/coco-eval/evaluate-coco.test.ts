import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CocoDetection, CocoGroundTruth } from './coco-types.ts';
import { evaluateCoco } from './evaluate-coco.ts';
import { linspace } from './coco-params.ts';
import { cocoStats, summarizeCoco } from './summarize-coco.ts';

interface Vector {
  readonly truth: CocoGroundTruth;
  readonly detections: readonly CocoDetection[];
  readonly expected: { readonly stats: number[]; readonly precision: number[]; readonly recall: number[] };
}

const FOLDER = join(import.meta.dirname, '../../test-vectors');
const vectors = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => [file, JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Vector] as const);

function furthest(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours).toHaveLength(theirs.length);
  return Math.max(...Array.from(theirs, (value, place) => Math.abs(value - (ours[place] as number))));
}

/** Mean over the recalls, as in the test vectors. */
function meanPrecision({ precision, params }: ReturnType<typeof evaluateCoco>): number[] {
  const thresholds = params.iouThresholds.length;
  const recalls = params.recallThresholds.length;
  const settings = precision.length / thresholds / recalls;
  return Array.from({ length: thresholds * settings }, (_, place) => {
    const [t, setting] = [Math.floor(place / settings), place % settings];
    let sum = 0;
    for (let r = 0; r < recalls; r++) sum += precision[(t * recalls + r) * settings + setting] as number;
    return sum / recalls;
  });
}

describe('evaluateCoco', () => {
  it('has a vector for each kind of case', () => expect(vectors).toHaveLength(10));

  it.each(vectors)('agrees with pycocotools in every setting: %s', (_, { truth, detections, expected }) => {
    const evaluation = evaluateCoco(truth, detections);
    expect(furthest(cocoStats(summarizeCoco(evaluation)), expected.stats)).toBeLessThan(1e-9);
    expect(furthest(meanPrecision(evaluation), expected.precision)).toBeLessThan(1e-9);
    expect(furthest(evaluation.recall, expected.recall)).toBeLessThan(1e-9);
  });

  it('accepts an annotation with the id 0, and ignores the ignore field', () => {
    const object = { image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], area: 81, iscrowd: 0, id: 0, ignore: 1 } as const;
    const truth = { images: [{ id: 1 }], categories: [{ id: 1, name: 'a' }], annotations: [object] };
    const found = [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9] as const, score: 0.5 }];
    expect(summarizeCoco(evaluateCoco(truth, found)).AP).toBeCloseTo(1, 12);
  });

  it('counts the detections that it drops for unknown categories', () => {
    const truth = { images: [{ id: 1 }], categories: [], annotations: [] };
    const found = [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9] as const, score: 0.5 }];
    expect(evaluateCoco(truth, found)).toMatchObject({ dropped: 1, categories: [] });
  });

  it.each([
    [{ image_id: 2, category_id: 1, bbox: [0, 0, 1, 1], score: 1 }, 'detection 0 is in image 2'],
    [{ image_id: 1, category_id: 1, bbox: [0, 0, 1], score: 1 }, 'detection 0 has no bbox of four numbers'],
    [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: NaN }, 'detection 0 has the score NaN'],
    [{ image_id: 1, bbox: [0, 0, 1, 1], score: 1 }, 'detection 0 has no category_id that is a number: undefined'],
    [{ category_id: 1, bbox: [0, 0, 1, 1], score: 1 }, 'detection 0 has no image_id that is a number: undefined'],
    [{ image_id: '1', category_id: 1, bbox: [0, 0, 1, 1], score: 1 }, 'no image_id that is a number: "1"'],
    [{ image_id: 1, category_id: 1, score: 1 }, 'detection 0 has no bbox of four numbers'],
  ])('refuses detections that make no sense: %j', (detection, message) => {
    const truth = { images: [{ id: 1 }], categories: [{ id: 1, name: 'a' }], annotations: [] };
    expect(() => evaluateCoco(truth, [detection as never])).toThrow(message);
  });

  it.each([
    [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], iscrowd: 0 }, 'annotation 0 has no area'],
    [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], area: 1 }, 'annotation 0 has no iscrowd'],
    [{ image_id: 1, category_id: 1, area: 1, iscrowd: 0 }, 'annotation 0 has no bbox'],
    [{ image_id: 1, bbox: [0, 0, 1, 1], area: 1, iscrowd: 0 }, 'annotation 0 has no category_id'],
    [{ category_id: 1, bbox: [0, 0, 1, 1], area: 1, iscrowd: 0 }, 'annotation 0 has no image_id'],
  ])('refuses annotations that lack something: %j', (annotation, message) => {
    const truth = { images: [{ id: 1 }], categories: [{ id: 1, name: 'a' }], annotations: [annotation as never] };
    expect(() => evaluateCoco(truth, [])).toThrow(message);
  });

  it('accepts other parameters', () => {
    const { truth, detections } = vectors.find(([file]) => file === 'over-100.json')?.[1] as Vector;
    const most = evaluateCoco(truth, detections, { maxDets: [300, 1, 200], iouThresholds: Float64Array.of(0.5) });
    expect(most.params.maxDets).toEqual([1, 200, 300]);
    // With room for all 160 detections every object is found.
    expect(summarizeCoco(most)).toMatchObject({ AP75: -1, AR: [0.01, 1, 1] });
    expect(() => evaluateCoco(truth, [], { maxDets: [0] })).toThrow('HKL_COCO_PARAMS');
    expect(() => evaluateCoco(truth, [], { iouThresholds: new Float64Array(32) })).toThrow('HKL_COCO_PARAMS');
  });
});

it('linspace rounds as numpy does', () => {
  expect(linspace(0.5, 0.95, 10)[8]).toBe(0.8999999999999999);
  expect(linspace(0, 1, 101)[35]).toBe(35 * 0.01);
  expect(linspace(0, 1, 101)[100]).toBe(1);
});
