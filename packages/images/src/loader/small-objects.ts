import type { DatasetRecord } from '../records/dataset-record.ts';
import { type Fit, fitSize, type Size } from '@hookline/inference/detections';

/** Objects that are too small for the network once their images have been shrunk. */
export interface SmallObjects {
  /** Objects that are no crowd, and how many of them a loader drops. */
  readonly objects: number;
  readonly dropped: number;
  /** Those that are dropped, by category. */
  readonly byCategory: ReadonlyMap<number, number>;
  /** Where there are any: a size of the same proportions that keeps all but some odd ones, and how many it drops. */
  readonly better?: { readonly size: Size; readonly dropped: number };
}

/** What a loader does to objects. */
export interface ObjectLimits {
  /** Size of the batches' images. */
  readonly size: Size;
  readonly fit: Fit;
  /** Width and height, in pixels at that size, which an object has to exceed. */
  readonly minSize: number;
}

/** Share of the objects that a better size may drop: some have sides of next to nothing, by mistake. */
const ODD = 1 / 200;
/** Sides of a better size are multiples of this, so that they fit the strides of networks. */
const MULTIPLE = 32;

/** Counts the objects that a `DetectionLoader` of these options drops before augmentation, because nothing would be seen of them. */
export function smallObjects(records: readonly DatasetRecord[], { size, fit, minSize }: ObjectLimits): SmallObjects {
  const byCategory = new Map<number, number>();
  /** By how much each of those that are dropped would have to be enlarged. */
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
  // Rounding takes some pixels of images away.
  const factor = 1.02 * (factors[odd < factors.length ? odd : 0] as number);
  const larger = (side: number): number => Math.ceil((side * factor) / MULTIPLE) * MULTIPLE;
  const better = { width: larger(size.width), height: larger(size.height) };
  let dropped = 0;
  eachObject(records, { size: better, fit }, (least) => (dropped += least > minSize ? 0 : 1));
  return { objects, dropped: factors.length, byCategory, better: { size: better, dropped } };
}

/**
 * How large a square input would have to be for objects to be seen, for one number of pixels each: pixels of its side such that the
 * given share of the objects has at least so many, both wide and high. Empty where there is no object.
 */
export function inputSides(records: readonly DatasetRecord[], pixels: readonly number[], share: number): number[] {
  const relative: number[] = [];
  eachObject(records, { size: { width: UNIT, height: UNIT }, fit: 'inside' }, (least) => relative.push(least / UNIT));
  relative.sort((a, b) => b - a);
  const least = relative[Math.ceil(share * relative.length) - 1];
  return least === undefined ? [] : pixels.map((each) => Math.ceil(each / least));
}

/** A size at which rounding does not count. */
const UNIT = 2 ** 16;

/** The shorter side of each object that is no crowd, in pixels of the network's input. */
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
