import { type BatchSamplerState, DataLoader } from '@hookline/data';
import { RandomStream } from '@hookline/core';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { hashRecords } from '../records/hash-records.ts';
import { aspectRatioGroups } from '../records/targets.ts';
import { ImageBatchMaker } from './image-batch-maker.ts';
import type { DetectionBatch } from './detection-batch.ts';
import type { Size } from '@hookline/inference/detections';
import { resolveLoaderOptions, type DetectionLoaderOptions } from './loader-options.ts';
import { type SmallObjects, smallObjects } from './small-objects.ts';

/** The position of a {@link DetectionLoader} in its data, as plain JSON. */
export type DetectionLoaderState = BatchSamplerState;

/** Counts and times of a {@link DetectionLoader} so far. */
export interface DetectionLoaderStats {
  /** Batches given out. */
  readonly batches: number;
  readonly images: number;
  /** Images read from files, and images that the cache had. */
  readonly decoded: number;
  readonly cached: number;
  /** Bytes of the cache. */
  readonly cacheBytes: number;
  /** Seconds that whoever asked for a batch waited for it. */
  readonly waited: number;
  /** Seconds of augmenting and batching, of all threads together, waited for or not. */
  readonly mapped: number;
  /** Where that happens: in threads of its own, or in the thread of the training, which it holds up. */
  readonly mappedIn: 'threads' | 'main';
  /** Threads that died and were replaced. */
  readonly restarts: number;
}

/**
 * Batches of images with boxes. Threads make them ahead of time: they decode, shrink, augment and batch, so that the
 * thread of the training, which a step may block, has next to nothing to do. Augmentations that threads cannot make,
 * which are functions of one's own, run in the thread of the training; {@link moduleAugmentation} is the way out.
 *
 * Order and augmentation depend on seed and position alone, whatever the number of threads, so that the position is the
 * whole state and resuming is exact.
 *
 * Iterating raises `HKL_IMAGE_UNREADABLE`, `HKL_AUGMENTATION_FAILED`, `HKL_BATCH_FRAME`, `HKL_BATCH_BOXES` and
 * `HKL_DATA_WORKER`, each with the name of the image file.
 */
export class DetectionLoader extends DataLoader<DetectionBatch> {
  readonly records: readonly DatasetRecord[];
  readonly #options: ReturnType<typeof resolveLoaderOptions>;
  readonly #maker: ImageBatchMaker;
  #contents: string | undefined;

  /** @throws HooklineError `HKL_DATA_EMPTY` without records, `HKL_DATA_RECORD` for a broken one, `HKL_DATA_OPTION` */
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
   * Objects that it drops before augmentation, since their images are shrunk to `size` and `minSize` is more than what is left of
   * them; undefined for a loader without a size, which shrinks nothing.
   */
  smallObjects(): SmallObjects | undefined {
    const { size, fit, minSize } = this.#options;
    return size === undefined ? undefined : smallObjects(this.records, { size, fit, minSize });
  }

  /** Size of the batches' images; undefined where it is that of the images. */
  get size(): Size | undefined {
    return this.#options.size;
  }

  /** What gives positions their meaning, and a hash of the annotations. */
  override fingerprint(): { readonly records: number; readonly batchSize: number; readonly contents: string } {
    return { ...super.fingerprint(), contents: (this.#contents ??= hashRecords(this.records)) };
  }

  /** What it has done so far. */
  stats(): DetectionLoaderStats {
    const { decoded, hits, bytes, mapped, mappedIn, restarts } = this.#maker;
    const { batches, samples: images, waited } = this.given;
    return { batches, images, waited, decoded, cached: hits, cacheBytes: bytes, mapped, mappedIn, restarts };
  }
}
