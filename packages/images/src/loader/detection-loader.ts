import { type BatchSamplerState, DataLoader } from '@hookline/data';
import { RandomStream } from '@hookline/core';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { hashRecords } from '../records/hash-records.ts';
import { ImageBatchMaker } from './image-batch-maker.ts';
import type { DetectionBatch } from './detection-batch.ts';
import type { Size } from '@hookline/inference/detections';
import { resolveLoaderOptions, type DetectionLoaderOptions } from './loader-options.ts';
import { type SmallObjects, smallObjects } from './small-objects.ts';

/** The position of a {@link DetectionLoader} in its data, as JSON. */
export type DetectionLoaderState = BatchSamplerState;

/** Statistics of a {@link DetectionLoader}. */
export interface DetectionLoaderStats {
  /** Number of batches and of images delivered. */
  readonly batches: number;
  readonly images: number;
  /** Number of images decoded from files, and of images found in the cache. */
  readonly decoded: number;
  readonly cached: number;
  /** Size of the cache in bytes. */
  readonly cacheBytes: number;
  /** Seconds that the consumer waited for batches. */
  readonly waited: number;
  /** Seconds spent on augmentation and batching, summed over all threads. */
  readonly mapped: number;
  /** Where augmentation and batching run: in worker threads, or in the training thread, which they delay. */
  readonly mappedIn: 'threads' | 'main';
  /** Number of threads that died and were replaced. */
  readonly restarts: number;
}

/**
 * Loads batches of images with boxes. Worker threads decode, resize, augment and batch ahead of time, so that the training
 * thread, which a step may block, has almost nothing to do. Augmentations that are the user's own functions cannot be sent to
 * threads and run in the training thread, unless they are made by {@link moduleAugmentation}.
 *
 * Order and augmentation depend only on the seed and the position, not on the number of threads. The position is therefore the
 * whole state, and resuming is exact.
 *
 * Iterating throws `HKL_IMAGE_UNREADABLE`, `HKL_AUGMENTATION_FAILED`, `HKL_BATCH_FRAME`, `HKL_BATCH_BOXES` and
 * `HKL_DATA_WORKER`, each with the name of the image file.
 */
export class DetectionLoader extends DataLoader<DetectionBatch> {
  readonly records: readonly DatasetRecord[];
  readonly #options: ReturnType<typeof resolveLoaderOptions>;
  readonly #maker: ImageBatchMaker;
  #contents: string | undefined;

  /** @throws HooklineError `HKL_DATA_EMPTY` without records, `HKL_DATA_RECORD` for an invalid one, `HKL_DATA_OPTION` */
  constructor(records: readonly DatasetRecord[], options: DetectionLoaderOptions) {
    const resolved = resolveLoaderOptions(records, options);
    const { batchSize, dropLast, prefetch, groupByAspect, sampler } = resolved;
    const maker = new ImageBatchMaker(records, resolved);
    super(maker, {
      ...{ name: 'DetectionLoader', length: records.length, batchSize, dropLast, prefetch, sampler },
      groups: groupByAspect ? aspectRatioGroups(records) : undefined,
      random: options.random ?? new RandomStream(0, 'detection-loader'),
    });
    this.records = records;
    this.#options = resolved;
    this.#maker = maker;
  }

  /**
   * Counts the objects that the loader drops before augmentation because they are not larger than `minSize` once their image is
   * resized to `size`. Undefined for a loader without `size`, which does not resize.
   */
  smallObjects(): SmallObjects | undefined {
    const { size, fit, minSize } = this.#options;
    return size === undefined ? undefined : smallObjects(this.records, { size, fit, minSize });
  }

  /** The option `size`, in pixels; undefined when images keep their own size. */
  get size(): Size | undefined {
    return this.#options.size;
  }

  /** Identifies the data to which a position in them belongs, including a hash of the annotations. */
  override fingerprint(): { readonly records: number; readonly batchSize: number; readonly contents: string } {
    return { ...super.fingerprint(), contents: (this.#contents ??= hashRecords(this.records)) };
  }

  /** Statistics since the loader was made. */
  stats(): DetectionLoaderStats {
    const { decoded, hits, bytes, mapped, mappedIn, restarts } = this.#maker;
    const { batches, samples: images, waited } = this.given;
    return { batches, images, waited, decoded, cached: hits, cacheBytes: bytes, mapped, mappedIn, restarts };
  }
}

/**
 * Groups for the option `groups` of `BatchSampler`, so that no batch mixes wide images with others: 1 for an image that is wider
 * than high, else 0.
 */
export function aspectRatioGroups(records: readonly Pick<DatasetRecord, 'width' | 'height'>[]): Uint8Array {
  return Uint8Array.from(records, ({ width, height }) => (width > height ? 1 : 0));
}
