import { availableParallelism } from 'node:os';
import { assertKnownOptions, communicator, HooklineError, type OptionNames, type RandomStream } from '@hookline/core';
import { eachTarget } from '../records/annotation-table.ts';
import type { DatasetRecord } from '../records/dataset-record.ts';
import type { Sampler } from '@hookline/data';
import type { Augmentation } from '../transforms/augmentation.ts';
import { checkRecords } from './check-records.ts';
import type { ImageType } from './collate.ts';
import { type Fit, PADDING, type Size } from '@hookline/inference/detections';

/** Options of {@link DetectionLoader}. */
export interface DetectionLoaderOptions {
  /** Number of images in a batch. */
  readonly batchSize: number;
  /** Size of the batches' images in pixels. @default images keep their size, and a batch is as large as its largest image */
  readonly size?: Size;
  /**
   * Size of the batches' images when augmentations such as `randomWindow` change it from `size`. @default `size`
   */
  readonly frame?: Size;
  /** How decoded images are resized to `size`: `inside` keeps the proportions, `stretch` does not. @default 'inside' */
  readonly fit?: Fit;
  /**
   * Random augmentations after decoding. Worker threads run those of this package and of {@link moduleAugmentation}; if the list
   * contains any other one, all of them run in the training thread. @default []
   */
  readonly augmentations?: readonly Augmentation[];
  /** Order of the samples; use `InferenceSampler` for evaluation. @default all samples, shuffled, without end */
  readonly sampler?: Sampler;
  /** Whether to drop a last batch that is not full. @default false */
  readonly dropLast?: boolean;
  /** Whether a batch contains only wide images or only others, which saves padding when images keep their size. @default false */
  readonly groupByAspect?: boolean;
  /**
   * Number of worker threads; 0 makes batches in the calling thread. @default all cores but one, from 1 to 4; with several ranks
   * on a machine, of this rank's share of the cores
   */
  readonly workers?: number;
  /** Number of batches made ahead, each by one thread. @default one per thread, and at least 2 */
  readonly prefetch?: number;
  /**
   * Whether to cache decoded images, resized to the batch, in memory that the threads share: width x height x 3 bytes for each
   * image, whatever the number of threads. @default false
   */
  readonly cache?: boolean;
  /** Number of object slots per image. @default the largest number of objects in a record, so that shapes are constant */
  readonly maxBoxes?: number;
  /** Minimum share of a box that must be in the augmented image; otherwise the object is not a target. @default 0 */
  readonly minVisible?: number;
  /** The visible width and height of a box, in pixels, must exceed this; otherwise the object is not a target. @default 1e-5 */
  readonly minSize?: number;
  /** Without `size`, width and height of a batch are multiples of this. @default 1 */
  readonly divisor?: number;
  /** Value, from 0 to 255, of padding pixels. @default 114 */
  readonly fill?: number;
  /**
   * Element type of the images on the host; on the device they are float32. Bytes take a quarter of the memory and transfer time.
   * `auto`: uint8 when all images of the batch are, which only user-defined augmentations can change.
   * @default 'auto'
   */
  readonly dtype?: ImageType;
  /** Random stream for order and augmentation. @default a stream with seed 0 */
  readonly random?: RandomStream;
}

const OPTIONS = {
  batchSize: true,
  size: true,
  frame: true,
  fit: true,
  augmentations: true,
  sampler: true,
  dropLast: true,
  groupByAspect: true,
  workers: true,
  prefetch: true,
  cache: true,
  maxBoxes: true,
  minVisible: true,
  minSize: true,
  divisor: true,
  fill: true,
  dtype: true,
  random: true,
} as const satisfies OptionNames<DetectionLoaderOptions>;

/** Options that must be integers, with their minimum. */
const INTEGERS = { batchSize: 1, workers: 0, prefetch: 0, maxBoxes: 0, divisor: 1 } as const;

/** Checks the options and fills in the defaults. @throws HooklineError `HKL_DATA_OPTION`, `HKL_DATA_EMPTY`, `HKL_DATA_RECORD` */
export function resolveLoaderOptions(records: readonly DatasetRecord[], options: DetectionLoaderOptions) {
  assertKnownOptions('DetectionLoader', options, OPTIONS);
  if (records.length === 0) {
    throw new HooklineError('HKL_DATA_EMPTY', 'there are no records', {
      who: 'DetectionLoader',
      fix: "Look at the reader's report: formatReport(dataset.report)",
    });
  }
  checkRecords(records);
  for (const [name, least] of Object.entries(INTEGERS)) {
    const value = options[name as keyof typeof INTEGERS];
    if (value === undefined || (Number.isInteger(value) && value >= least)) continue;
    throw new HooklineError('HKL_DATA_OPTION', `${name} must be a whole number from ${least} up, not ${value}`, {
      who: 'DetectionLoader',
    });
  }
  let maxBoxes = 0;
  for (const record of records) {
    let targets = 0;
    eachTarget(record, () => targets++);
    maxBoxes = Math.max(maxBoxes, targets);
  }
  const workers =
    options.workers ?? Math.min(4, Math.max(1, Math.floor(availableParallelism() / communicator().localSize) - 1));
  return {
    fit: 'inside' as const,
    augmentations: [],
    dropLast: false,
    groupByAspect: false,
    prefetch: Math.max(2, workers),
    cache: false,
    maxBoxes,
    minVisible: 0,
    minSize: 1e-5,
    divisor: 1,
    fill: PADDING,
    dtype: 'auto' as const,
    ...options,
    workers,
  };
}
