import { HooklineError } from '@hookline/core';
import type { DatasetRecord } from '@hookline/images';

/** Statistics of a data set that determine how to train on it. */
export interface DataStatistics {
  /** Numbers of images, classes and objects; crowds do not count as objects. */
  readonly images: number;
  readonly classes: number;
  readonly objects: number;
  /** Entropy of the class distribution of the objects, in nats; 0 when all objects are of one class. */
  readonly entropy: number;
  /** Median of the images' longer sides, in pixels. */
  readonly longerSide: number;
  /** Width and height of the images as shares of their longer side: the 95th percentiles. */
  readonly width: number;
  readonly height: number;
  /**
   * Sides of the objects (square roots of their areas) as shares of the longer side of their image. Small: the 10th percentile, or
   * the median of the class with the smallest objects. Middle: the median of all. Large: the 90th percentile.
   */
  readonly sides: readonly [small: number, middle: number, large: number];
}

/** Classes with fewer objects than this are ignored when the small side is chosen. */
const LEAST_OF_CLASS = 10;

/**
 * Computes the statistics of training images.
 *
 * @param classes number of classes
 * @throws HooklineError `HKL_DATA_EMPTY` when no image shows an object
 */
export function statisticsOf(records: readonly DatasetRecord[], classes: number): DataStatistics {
  const sides: number[] = [];
  const ofClass = Array.from({ length: classes }, (): number[] => []);
  for (const { width, height, annotations } of records) {
    for (const { box, category, iscrowd } of annotations) {
      const area = (box[2] - box[0]) * (box[3] - box[1]);
      if (iscrowd === 1 || area <= 0) continue;
      const side = Math.sqrt(area) / Math.max(width, height);
      sides.push(side);
      ofClass[category]?.push(side);
    }
  }
  if (sides.length === 0) {
    throw new HooklineError('HKL_DATA_EMPTY', 'no training image shows an object from which sizes could be chosen', {
      who: 'budget.minutes',
      fix: 'Look at the annotations, or train without a budget: --set budget.minutes=0',
    });
  }
  const ordered = Float64Array.from(sides).sort();
  const middles = ofClass
    .filter(({ length }) => length >= LEAST_OF_CLASS)
    .map((own) => quantile(Float64Array.from(own).sort(), 0.5));
  const of = (measure: (record: DatasetRecord) => number): Float64Array => Float64Array.from(records, measure).sort();
  return {
    images: records.length,
    classes,
    objects: sides.length,
    entropy: ofClass.reduce((sum, { length }) => sum - nats(length / sides.length), 0),
    longerSide: quantile(
      of(({ width, height }) => Math.max(width, height)),
      0.5,
    ),
    width: quantile(
      of(({ width, height }) => width / Math.max(width, height)),
      0.95,
    ),
    height: quantile(
      of(({ width, height }) => height / Math.max(width, height)),
      0.95,
    ),
    sides: [Math.min(quantile(ordered, 0.1), ...middles), quantile(ordered, 0.5), quantile(ordered, 0.9)],
  };
}

/** p ln p, and 0 for p = 0. */
const nats = (share: number): number => (share > 0 ? share * Math.log(share) : 0);

/** The quantile at `share`, from 0 to 1, of ascending values. There must be at least one value. */
const quantile = (ordered: Float64Array, share: number): number =>
  ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] as number;
