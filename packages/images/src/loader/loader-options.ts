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
  /** How many images a batch holds. */
  readonly batchSize: number;
  /** Size of the batches' images, in pixels. Default: images as they are, each batch as large as its largest. */
  readonly size?: Size;
  /**
   * Size of the batches' images where augmentations make others of them than `size`, such as `randomWindow`. Default: `size`.
   */
  readonly frame?: Size;
  /** How images come to `size`, while they are decoded: in proportion, or stretched to all of it. @default 'inside' */
  readonly fit?: Fit;
  /**
   * Changes made at random, after decoding. Threads make those of this package and of {@link moduleAugmentation}; with
   * any other one in the list, all of them run in the thread of the training. @default []
   */
  readonly augmentations?: readonly Augmentation[];
  /** Order of the samples. Default: all of them, shuffled, without end; `InferenceSampler` for evaluation. */
  readonly sampler?: Sampler;
  /** Whether a last batch that is not full is left out. @default false */
  readonly dropLast?: boolean;
  /** Batches hold wide images or others, not both: with images of their own size less has to be added. @default false */
  readonly groupByAspect?: boolean;
  /**
   * Threads that make batches; 0 makes them in this one. Default: all cores but one, from 1 to 4; with several ranks on a
   * machine, of this rank's part of the cores.
   */
  readonly workers?: number;
  /** Batches made ahead, each by one thread. Default: one per thread, and at least 2. */
  readonly prefetch?: number;
  /**
   * Keeps decoded images, at the size of the batch, in memory that the threads share: width x height x 3 bytes for each
   * image, whatever the number of threads. @default false
   */
  readonly cache?: boolean;
  /** Objects per image that the batch has room for. Default: the most that a record has, so that shapes stay the same. */
  readonly maxBoxes?: number;
  /** Least share of a box that augmentation must leave in the image for it to stay a target. @default 0 */
  readonly minVisible?: number;
  /** Least width and height, in pixels, that must be left of it. @default 1e-5 */
  readonly minSize?: number;
  /** Without `size`, edges of a batch are multiples of this. @default 1 */
  readonly divisor?: number;
  /** Value from 0 to 255 of the pixels that pad images. @default 114 */
  readonly fill?: number;
  /**
   * Of the images on the host; on the device they are float32. Bytes take a quarter of the memory and of the time to get
   * there. `auto`: bytes where all images of the batch are, which only augmentations of one's own can change.
   * @default 'auto'
   */
  readonly dtype?: ImageType;
  /** Where order and augmentation come from. Default: a stream of seed 0. */
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

/** Numbers that have to be integers, with the least that they may be. */
const INTEGERS = { batchSize: 1, workers: 0, prefetch: 0, maxBoxes: 0, divisor: 1 } as const;

/** The options with what is left out filled in. @throws HooklineError `HKL_DATA_OPTION`, `HKL_DATA_EMPTY`, `HKL_DATA_RECORD` */
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
