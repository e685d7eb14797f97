import type { DatasetRecord } from '../records/dataset-record.ts';
import { type Fit, fitSize, type Size } from '@hookline/inference/detections';

/** Counts of objects that are too small for the network once their images are resized. */
export interface SmallObjects {
  /** Number of objects that are not crowds, and how many of them a loader drops. */
  readonly objects: number;
  readonly dropped: number;
  /** Number of dropped objects by category. */
  readonly byCategory: ReadonlyMap<number, number>;
  /** If any are dropped: a size with the same proportions that keeps nearly all, and how many it drops. */
  readonly better?: { readonly size: Size; readonly dropped: number };
}

/** The loader options that determine which objects are dropped. */
export interface ObjectLimits {
  /** Size of the batches' images. */
  readonly size: Size;
  readonly fit: Fit;
  /** An object's width and height must exceed this, in pixels at that size. */
  readonly minSize: number;
}

/** Share of the objects that a better size may drop, since some are tiny by mistake. */
const ODD = 1 / 200;
/** Sides of a better size are multiples of this, to fit the strides of networks. */
const MULTIPLE = 32;

/** Counts the objects that a `DetectionLoader` with these options drops before augmentation because they are too small. */
export function smallObjects(records: readonly DatasetRecord[], { size, fit, minSize }: ObjectLimits): SmallObjects {
  const byCategory = new Map<number, number>();
  /** Factor by which each dropped object would have to be enlarged. */
  const factors: number[] = [];
  let objects = 0;
  eachObject(records, { size, fit }, (least, category) => {
    objects++;
    if (least > minSize) return;
    byCategory.set(category, (byCategory.get(category) ?? 0) + 1);
    factors.push(minSize / least);
  });
  if (factors.length === 0) return { objects, dropped: 0, byCategory };
  factors.sort((a, b) => b - a);
  const odd = Math.floor(objects * ODD);
  // A margin of 2%, because rounding takes some pixels away.
  const factor = 1.02 * (factors[odd < factors.length ? odd : 0] as number);
  const larger = (side: number): number => Math.ceil((side * factor) / MULTIPLE) * MULTIPLE;
  const better = { width: larger(size.width), height: larger(size.height) };
  let dropped = 0;
  eachObject(records, { size: better, fit }, (least) => (dropped += least > minSize ? 0 : 1));
  return { objects, dropped: factors.length, byCategory, better: { size: better, dropped } };
}

/**
 * For each value of `pixels`, computes the side of a square input at which the given share of the objects is at least that many
 * pixels wide and high. Empty when there are no objects.
 */
export function inputSides(records: readonly DatasetRecord[], pixels: readonly number[], share: number): number[] {
  const relative: number[] = [];
  eachObject(records, { size: { width: UNIT, height: UNIT }, fit: 'inside' }, (least) => relative.push(least / UNIT));
  relative.sort((a, b) => b - a);
  const least = relative[Math.ceil(share * relative.length) - 1];
  return least === undefined ? [] : pixels.map((each) => Math.ceil(each / least));
}

/** A size at which rounding is negligible. */
const UNIT = 2 ** 16;

/** Visits the shorter side, in pixels of the network's input, of each object that is not a crowd. */
function eachObject(
  records: readonly DatasetRecord[],
  { size, fit }: Pick<ObjectLimits, 'size' | 'fit'>,
  visit: (least: number, category: number) => void,
): void {
  for (const record of records) {
    const shown = fitSize(record, size, fit);
    const [across, down] = [shown.width / record.width, shown.height / record.height];
    for (const { box, category, iscrowd } of record.annotations)
      if (iscrowd === 0) visit(Math.min((box[2] - box[0]) * across, (box[3] - box[1]) * down), category);
  }
}
