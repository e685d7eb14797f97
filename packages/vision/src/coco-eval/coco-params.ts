import { assertKnownOptions, HooklineError, type OptionNames } from '@hookline/core';

/** A size class of objects: areas in square pixels, both limits included. */
export interface AreaRange {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** Thresholds, size classes and limits of an evaluation. */
export interface CocoParams {
  /** Minimum IoUs of a match, ascending. @default 0.5 to 0.95 in steps of 0.05 */
  readonly iouThresholds: Float64Array;
  /** Recalls at which precision is sampled, ascending. @default 0 to 1 in steps of 0.01 */
  readonly recallThresholds: Float64Array;
  /** Size classes. @default all; small up to 32², medium up to 96², large */
  readonly areaRanges: readonly AreaRange[];
  /** Maximum numbers of detections per image and category, the best scores first, ascending. @default [1, 10, 100] */
  readonly maxDets: readonly number[];
}

const OPTIONS = {
  iouThresholds: true,
  recallThresholds: true,
  areaRanges: true,
  maxDets: true,
} as const satisfies OptionNames<Partial<CocoParams>>;

/** Maximum number of IoU thresholds: matching keeps one bit of a 32-bit word for each. */
const MAX_THRESHOLDS = 31;

/**
 * COCO's parameters for boxes. Given values replace the defaults.
 *
 * @throws HooklineError `HKL_COCO_PARAMS` for invalid values, `HKL_OPTION_UNKNOWN` for an unknown one
 */
export function cocoParams(given: Partial<CocoParams> = {}): CocoParams {
  assertKnownOptions('evaluateCoco', given, OPTIONS);
  const params = {
    iouThresholds: linspace(0.5, 0.95, 10),
    recallThresholds: linspace(0, 1, 101),
    areaRanges: [
      { name: 'all', min: 0, max: 1e10 },
      { name: 'small', min: 0, max: 32 ** 2 },
      { name: 'medium', min: 32 ** 2, max: 96 ** 2 },
      { name: 'large', min: 96 ** 2, max: 1e10 },
    ],
    maxDets: [1, 10, 100],
    ...given,
  };
  const { iouThresholds, maxDets } = params;
  if (iouThresholds.length < 1 || iouThresholds.length > MAX_THRESHOLDS) {
    throw bad(`iouThresholds holds ${iouThresholds.length} numbers`, `Give 1 to ${MAX_THRESHOLDS}`);
  }
  if (maxDets.length === 0 || !maxDets.every((count) => Number.isInteger(count) && count > 0)) {
    throw bad(`maxDets is [${maxDets.join(', ')}]`, 'Give whole numbers from 1 up');
  }
  return { ...params, maxDets: [...maxDets].sort((a, b) => a - b) };
}

const bad = (what: string, fix: string): HooklineError =>
  new HooklineError('HKL_COCO_PARAMS', what, { who: 'COCO evaluation', fix });

/**
 * Evenly spaced numbers from `start` to `stop`, both included, rounded like numpy's `linspace`: start + i·step. Thresholds are
 * compared with `>=`, so a difference in the last bit could change matches.
 */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const step = (stop - start) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}
