import type { DatasetRecord } from '@hookline/data';

/** What of a data set decides how to train on it. */
export interface DataStatistics {
  /** How many there are; crowds are no objects. */
  readonly images: number;
  readonly classes: number;
  readonly objects: number;
  /** Pixels of the images' longer sides: of half of them at least this. */
  readonly longerSide: number;
  /** Width and height of the images, as shares of their longer side: of nineteen in twenty at most this. */
  readonly width: number;
  readonly height: number;
  /**
   * Sides of the objects (of a square of their area), as shares of the longer side of their image: of one in ten, of half
   * and of nine in ten at most this.
   */
  readonly sides: readonly [small: number, middle: number, large: number];
}

/** Statistics of training images, of which at least one shows an object. */
export function statisticsOf(records: readonly DatasetRecord[], classes: number): DataStatistics {
  const sides: number[] = [];
  for (const { width, height, annotations } of records) {
    for (const { box, iscrowd } of annotations) {
      const area = (box[2] - box[0]) * (box[3] - box[1]);
      if (iscrowd === 0 && area > 0) sides.push(Math.sqrt(area) / Math.max(width, height));
    }
  }
  const ordered = Float64Array.from(sides).sort();
  const of = (measure: (record: DatasetRecord) => number): Float64Array => Float64Array.from(records, measure).sort();
  return {
    images: records.length,
    classes,
    objects: sides.length,
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
    sides: [quantile(ordered, 0.1), quantile(ordered, 0.5), quantile(ordered, 0.9)],
  };
}

/** The value that a share of ordered ones does not exceed. */
const quantile = (ordered: Float64Array, share: number): number =>
  ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? NaN;
