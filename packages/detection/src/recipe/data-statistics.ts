import type { DatasetRecord } from '@hookline/images';

/** What of a data set decides how to train on it. */
export interface DataStatistics {
  /** How many there are; crowds are no objects. */
  readonly images: number;
  readonly classes: number;
  readonly objects: number;
  /** Entropy of the classes of the objects, in nats: how much there is to tell apart; 0 where all are of one class. */
  readonly entropy: number;
  /** Pixels of the images' longer sides: of half of them at least this. */
  readonly longerSide: number;
  /** Width and height of the images, as shares of their longer side: of nineteen in twenty at most this. */
  readonly width: number;
  readonly height: number;
  /**
   * Sides of the objects (of a square of their area), as shares of the longer side of their image: small ones, of which one in
   * ten is no larger, or the middle one of the class with the smallest; the middle one of all; large ones, than which one in ten
   * is larger.
   */
  readonly sides: readonly [small: number, middle: number, large: number];
}

/** Classes with fewer objects do not decide how small objects are. */
const LEAST_OF_CLASS = 10;

/** Statistics of training images, of which at least one shows an object. */
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

/** p log p. */
const nats = (share: number): number => (share > 0 ? share * Math.log(share) : 0);

/** The value that a share of ordered ones does not exceed. */
const quantile = (ordered: Float64Array, share: number): number =>
  ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? NaN;
