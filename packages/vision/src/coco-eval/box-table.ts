import { HooklineError } from '@hookline/core';
import type { CocoAnnotation, CocoBox, CocoDetection } from './coco-types.ts';

/** Boxes as columns, sorted by category, then by image, then in input order. */
export interface BoxTable {
  readonly length: number;
  /** x, y, width and height of each box. */
  readonly boxes: Float64Array;
  /** Index of the image of each box. */
  readonly images: Int32Array;
  /** Area that determines the size class of each box. */
  readonly areas: Float64Array;
  /** Scores; only for detections. */
  readonly scores: Float64Array;
  /** 1 for a crowd; only for ground truth. */
  readonly crowds: Uint8Array;
  /** First row of each category, followed by the number of rows. */
  readonly starts: Int32Array;
}

/** Index of each id among the sorted ids. */
export type IdIndex = ReadonlyMap<number, number>;

/** Sorts ids, removes duplicates, and maps each id to its index. */
export function indexIds(ids: Iterable<number>): { readonly ids: readonly number[]; readonly index: IdIndex } {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  return { ids: sorted, index: new Map(sorted.map((id, place) => [id, place])) };
}

/**
 * Makes a table of ground truth. Annotations of images or categories that the data set does not list are dropped.
 *
 * @throws HooklineError `HKL_COCO_ANNOTATION` for an annotation without image, category, box, area or iscrowd
 */
export function annotationTable(
  annotations: readonly CocoAnnotation[],
  images: IdIndex,
  categories: IdIndex,
): BoxTable {
  // A parsed file may lack fields that its type claims.
  annotations.forEach(({ image_id, category_id, bbox, area, iscrowd }: Partial<CocoAnnotation>, place) => {
    const hasCrowd = typeof iscrowd === 'number' || typeof iscrowd === 'boolean';
    const missing = !isNumber(image_id)
      ? 'image_id'
      : !isNumber(category_id)
        ? 'category_id'
        : !isBox(bbox)
          ? 'bbox of four numbers'
          : !isNumber(area)
            ? 'area'
            : hasCrowd
              ? ''
              : 'iscrowd';
    if (missing === '') return;
    throw new HooklineError('HKL_COCO_ANNOTATION', `annotation ${place} has no ${missing}`, {
      who: 'COCO ground truth',
      fix: 'Give image_id, category_id, bbox [x, y, width, height], area in pixels and iscrowd 0 or 1; readCoco reads files that leave some of it out',
    });
  });
  return makeTable(annotations, images, categories, {
    area: ({ area }) => area,
    score: () => 0,
    crowd: ({ iscrowd }) => (iscrowd ? 1 : 0),
  });
}

/**
 * Makes a table of detections. Detections of categories that the data set does not list are dropped, as in pycocotools.
 *
 * @throws HooklineError `HKL_COCO_DETECTION` for an image that the data set does not list, for a detection without image,
 * category or box, and for a score that is not a finite number
 */
export function detectionTable(detections: readonly CocoDetection[], images: IdIndex, categories: IdIndex): BoxTable {
  detections.forEach(({ image_id, category_id, bbox, score }: Partial<CocoDetection>, place) => {
    const problem = !isNumber(image_id)
      ? `has no image_id that is a number: ${JSON.stringify(image_id)}`
      : !images.has(image_id)
        ? `is in image ${image_id}, which the data set does not have`
        : !isNumber(category_id)
          ? `has no category_id that is a number: ${JSON.stringify(category_id)}`
          : !isBox(bbox)
            ? 'has no bbox of four numbers'
            : !Number.isFinite(score)
              ? `has the score ${score}`
              : '';
    if (problem === '') return;
    throw new HooklineError('HKL_COCO_DETECTION', `detection ${place} ${problem}`, {
      who: 'COCO results',
      fix: 'Evaluate on the data set that the detections were made for, { image_id, category_id, bbox, score } each',
    });
  });
  return makeTable(detections, images, categories, {
    area: ({ bbox: [, , width, height] }) => width * height,
    score: ({ score }) => score,
    crowd: () => 0,
  });
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
const isBox = (box: unknown): boolean => Array.isArray(box) && box.length === 4 && box.every(isNumber);

interface Row {
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: CocoBox;
}

interface Columns<T> {
  readonly area: (row: T) => number;
  readonly score: (row: T) => number;
  readonly crowd: (row: T) => number;
}

function makeTable<T extends Row>(
  rows: readonly T[],
  images: IdIndex,
  categories: IdIndex,
  { area, score, crowd }: Columns<T>,
): BoxTable {
  const known = rows.filter(({ image_id, category_id }) => images.has(image_id) && categories.has(category_id));
  const image = Int32Array.from(known, ({ image_id }) => images.get(image_id) as number);
  const category = Int32Array.from(known, ({ category_id }) => categories.get(category_id) as number);
  // A radix sort in two stable passes: by image, then by category.
  const byImage = countingSort(
    Uint32Array.from(known, (_, row) => row),
    image,
    images.size,
  ).order;
  const { order, starts } = countingSort(byImage, category, categories.size);
  const table: BoxTable = {
    length: known.length,
    boxes: new Float64Array(known.length * 4),
    images: new Int32Array(known.length),
    areas: new Float64Array(known.length),
    scores: new Float64Array(known.length),
    crowds: new Uint8Array(known.length),
    starts,
  };
  order.forEach((from, to) => {
    const row = known[from] as T;
    table.boxes.set(row.bbox, to * 4);
    table.images[to] = image[from] as number;
    table.areas[to] = area(row);
    table.scores[to] = score(row);
    table.crowds[to] = crowd(row);
  });
  return table;
}

function countingSort(rows: Uint32Array, keys: Int32Array, count: number): { order: Uint32Array; starts: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] as number) + 1;
  for (let key = 0; key < count; key++) starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  const next = starts.slice();
  const order = new Uint32Array(rows.length);
  for (const row of rows) {
    const key = keys[row] as number;
    const place = next[key] as number;
    order[place] = row;
    next[key] = place + 1;
  }
  return { order, starts };
}
