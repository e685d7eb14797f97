import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { boxIou } from './box-iou.ts';
import { annotationTable, detectionTable, indexIds } from './box-table.ts';
import type { BoxTable } from './box-table.ts';
import type { CocoDetection, CocoGroundTruth } from './coco-types.ts';

/** Options of {@link evaluateVoc}. */
export interface VocOptions {
  /** IoU thresholds; a match needs a larger IoU. @default 0.5 to 0.95 in steps of 0.05 */
  readonly iouThresholds?: readonly number[];
  /** Whether to use the eleven-point AP of VOC 2007 instead of the area under the curve. @default false */
  readonly use2007?: boolean;
}

const OPTIONS = { iouThresholds: true, use2007: true } as const satisfies OptionNames<VocOptions>;

/** Pascal VOC's average precisions. */
export interface VocEvaluation {
  /** Category ids in ascending order. */
  readonly categories: readonly number[];
  /** AP from 0 to 1: [IoU thresholds][categories]; NaN for a category without objects. */
  readonly precision: readonly (readonly number[])[];
}

const THRESHOLDS = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/**
 * Evaluates boxes as Pascal VOC does. Detections of all images are processed in descending order of scores, and each is compared
 * with the object of its class that it overlaps most. A second detection of an object is a false positive. Objects with
 * `iscrowd` or `difficult: true` are ignored: they count as neither found nor missed.
 *
 * Boxes have continuous edges: VOC's inclusive pixels x1 to x2 have the width x2 - x1 + 1 here, which gives the same IoU as VOC's
 * formula with + 1.
 *
 * @throws HooklineError `HKL_COCO_ANNOTATION` or `HKL_COCO_DETECTION` for an invalid entry, `HKL_OPTION_UNKNOWN`
 */
export function evaluateVoc(
  truth: CocoGroundTruth,
  detections: readonly CocoDetection[],
  options: VocOptions = {},
): VocEvaluation {
  assertKnownOptions('evaluateVoc', options, OPTIONS);
  const { iouThresholds = THRESHOLDS, use2007 = false } = options;
  const images = indexIds(truth.images.map(({ id }) => id));
  const categories = indexIds(truth.categories.map(({ id }) => id));
  const annotations = truth.annotations.map((each) =>
    (each as { readonly difficult?: unknown }).difficult === true ? { ...each, iscrowd: 1 } : each,
  );
  const objects = annotationTable(annotations, images.index, categories.index);
  const found = detectionTable(detections, images.index, categories.index);
  const best = categories.ids.map((_, category) => bestObjects(category, found, objects));
  return {
    categories: categories.ids,
    precision: iouThresholds.map((iou) =>
      best.map((rows, category) => averagePrecision(hits(rows, objects, iou), positives(objects, category), use2007)),
    ),
  };
}

interface BestObject {
  /** Row of the object; -1 when the image has none of the class. */
  readonly object: number;
  readonly iou: number;
}

/** For each detection of a category, in descending order of scores, the object that it overlaps most. */
function bestObjects(category: number, found: BoxTable, objects: BoxTable): BestObject[] {
  const from = found.starts[category] as number;
  const rows = Uint32Array.from({ length: (found.starts[category + 1] as number) - from }, (_, place) => from + place);
  rows.sort((a, b) => (found.scores[b] as number) - (found.scores[a] as number) || a - b);
  const byImage = new Map<number, number[]>();
  for (let row = objects.starts[category] as number; row < (objects.starts[category + 1] as number); row++) {
    const image = objects.images[row] as number;
    byImage.set(image, [...(byImage.get(image) ?? []), row]);
  }
  return Array.from(rows, (row) => {
    const candidates = byImage.get(found.images[row] as number) ?? [];
    const overlaps = boxIou(
      { boxes: found.boxes, rows: [row], count: 1 },
      { boxes: objects.boxes, rows: candidates, count: candidates.length },
      () => false,
    );
    const iou = Math.max(-1, ...overlaps);
    return { object: candidates[overlaps.indexOf(iou)] ?? -1, iou };
  });
}

/** Whether each detection is a true positive; detections of ignored objects are left out. */
function hits(best: readonly BestObject[], objects: BoxTable, threshold: number): boolean[] {
  const taken = new Set<number>();
  return best.flatMap(({ object, iou }) => {
    if (object < 0 || iou <= threshold) return [false];
    if (objects.crowds[object] === 1) return [];
    if (taken.has(object)) return [false];
    taken.add(object);
    return [true];
  });
}

function positives(objects: BoxTable, category: number): number {
  return objects.crowds
    .subarray(objects.starts[category], objects.starts[category + 1])
    .reduce((count, crowd) => count + 1 - crowd, 0);
}

function averagePrecision(found: readonly boolean[], objects: number, use2007: boolean): number {
  if (objects === 0) return NaN;
  let right = 0;
  const curve = found.map((isHit, place) => {
    if (isHit) right++;
    return { recall: right / objects, precision: right / (place + 1) };
  });
  for (let place = curve.length - 2; place >= 0; place--) {
    const point = curve[place] as { precision: number };
    point.precision = Math.max(point.precision, (curve[place + 1] as { precision: number }).precision);
  }
  if (use2007) {
    const at = Array.from({ length: 11 }, (_, i) => curve.find(({ recall }) => recall >= i * 0.1)?.precision ?? 0);
    return at.reduce((sum, precision) => sum + precision, 0) / 11;
  }
  return curve.reduce(
    (sum, { recall, precision }, place) => sum + (recall - (curve[place - 1]?.recall ?? 0)) * precision,
    0,
  );
}
