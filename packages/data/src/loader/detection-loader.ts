import { RandomStream, type RankShare, runOf } from '@hookline/core';
import type { DatasetRecord } from '../catalog/dataset-record.ts';
import { aspectRatioGroups, BatchSampler, type BatchSamplerState } from '../samplers/batch-sampler.ts';
import { TrainingSampler } from '../samplers/training-sampler.ts';
import { BatchMaker } from './batch-maker.ts';
import type { DetectionBatch } from './detection-batch.ts';
import type { Size } from './fit-size.ts';
import { type SmallObjects, smallObjects } from './small-objects.ts';
import { resolveLoaderOptions, type DetectionLoaderOptions } from './loader-options.ts';
import { hashRecords } from '../contents-hash.ts';
import { assertShared, placesOf, WHOLE } from '../loader-share.ts';
import { assertPosition, isCount, shown } from '../position.ts';

/** Where a {@link DetectionLoader} stands; plain JSON. */
export type DetectionLoaderState = BatchSamplerState;

/** What a {@link DetectionLoader} has done so far. */
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

/** A batch in the making. */
interface Planned {
  readonly batch: Promise<DetectionBatch>;
  /** Where the loader stands once it has been given out. */
  readonly after: DetectionLoaderState;
}

/**
 * Batches of images with boxes. Threads make them ahead of time: they decode, shrink, augment and batch, so that the
 * thread of the training, which a step may block, has next to nothing to do. Augmentations that threads cannot make,
 * which are functions of one's own, run in the thread of the training; {@link moduleAugmentation} is the way out.
 *
 * Order and augmentation depend on seed and position alone, whatever the number of threads, so that the position is the
 * whole state and resuming is exact.
 */
export class DetectionLoader implements AsyncIterable<DetectionBatch>, AsyncDisposable {
  readonly records: readonly DatasetRecord[];
  readonly #options: ReturnType<typeof resolveLoaderOptions>;
  readonly #random: RandomStream;
  readonly #maker: BatchMaker;
  #share: RankShare = WHOLE;
  #state: DetectionLoaderState;
  /** Counts iterations: one that is begun ends those before it. */
  #run = 0;
  #batches = 0;
  #images = 0;
  #waited = 0;
  #contents: string | undefined;

  /** @throws HooklineError `HKL_DATA_EMPTY` without records, `HKL_DATA_RECORD` for a broken one, `HKL_DATA_OPTION` */
  constructor(records: readonly DatasetRecord[], options: DetectionLoaderOptions) {
    this.records = records;
    this.#options = resolveLoaderOptions(records, options);
    this.#random = options.random ?? new RandomStream(0, 'detection-loader');
    this.#maker = new BatchMaker(records, this.#options);
    this.#state = this.#sampler().state();
  }

  /**
   * Starts its threads ahead of the first batch, since that takes them a second or more. A training calls it before it
   * makes the model. {@link DetectionLoader.close} ends them; idle ones keep no process alive.
   */
  warmUp(): void {
    this.#maker.start();
  }

  /** What it is doing while somebody waits for a batch: the files and augmentations that its threads are at. */
  waitsFor(): string | undefined {
    return this.#maker.describe();
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

  /**
   * Gives this rank its share from now on: `rows` of every batch, or a run of whole `batches` of an epoch that ends. Positions stay those of
   * the whole data, and augmentation goes by the place in the whole batch. A sampler that is given must be of the whole data too.
   *
   * @throws HooklineError `HKL_DATA_SHARE` where `batchSize` is no multiple of the number of ranks
   */
  shareAmong(share: RankShare): void {
    assertShared('DetectionLoader', this.#options.batchSize, share);
    this.#run++;
    this.#share = share;
  }

  /** Where it stands, for a checkpoint. Batches made ahead do not count. */
  state(): DetectionLoaderState {
    return this.#state;
  }

  /** Why a state is no place in these data, in one sentence; undefined where it is one. */
  misfit(state: unknown): string | undefined {
    const { epoch, position, held } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (!isCount(epoch)) return `"epoch" is ${shown(epoch)}, and should be a count`;
    if (!isCount(position)) return `"position" is ${shown(position)}, and should be a count`;
    const { length } = this.records;
    if (!Array.isArray(held) || !held.every((index) => isCount(index) && index < length))
      return `"held" is ${shown(held)}, and should be indices below ${length}`;
    // How long an epoch of another sampler is may depend on the seed, which is restored later.
    if (this.#options.sampler !== undefined || position <= length) return undefined;
    return `"position" is ${position}, and an epoch has ${length} samples`;
  }

  /** What gives positions their meaning, and a hash of the annotations. */
  fingerprint(): { readonly records: number; readonly batchSize: number; readonly contents: string } {
    const { batchSize } = this.#options;
    return { records: this.records.length, batchSize, contents: (this.#contents ??= hashRecords(this.records)) };
  }

  /**
   * Goes on where `state` was taken. An iteration under way ends.
   *
   * @throws HooklineError `HKL_DATA_STATE` for what is no place in these data
   */
  restore(state: DetectionLoaderState): void {
    assertPosition('DetectionLoader', this.misfit(state));
    this.#run++;
    this.#state = state;
  }

  stats(): DetectionLoaderStats {
    const { decoded, hits, bytes, mapped, mappedIn, restarts } = this.#maker;
    const own = { batches: this.#batches, images: this.#images, waited: this.#waited };
    return { ...own, decoded, cached: hits, cacheBytes: bytes, mapped, mappedIn, restarts };
  }

  /**
   * Gives the batches that follow, without end or to the end of the sampler's epoch.
   *
   * @throws HooklineError `HKL_IMAGE_UNREADABLE`, `HKL_AUGMENTATION_FAILED`, `HKL_BATCH_FRAME`, `HKL_BATCH_BOXES`,
   * `HKL_DATA_WORKER`, each with the name of the image file
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<DetectionBatch, void, undefined> {
    const run = ++this.#run;
    const sampler = this.#sampler();
    sampler.restore(this.#state);
    const queue: Planned[] = [];
    let ended = false;
    const [first, end] = this.#runOfBatches();
    let count = 0;
    const plan = (): void => {
      while (!ended && queue.length <= this.#options.prefetch) {
        const indices = sampler.next();
        const after = sampler.state();
        ended = indices === undefined;
        if (indices === undefined) break;
        const number = count++;
        if (number < first || number >= end) continue;
        const places = placesOf(indices.length, this.#share);
        if (places?.length === 0) continue;
        const batch = this.#make(indices, after, places);
        // Whoever takes it sees the error; one that nobody takes is no unhandled rejection.
        batch.catch(() => undefined);
        queue.push({ batch, after });
      }
    };
    try {
      for (;;) {
        const asked = performance.now();
        plan();
        const planned = queue.shift();
        const batch = await (planned && this.#maker.awaitHelping(planned.batch))?.catch((error: unknown) => {
          // Closing gives up batches in the making; whoever closes knows.
          if (run === this.#run) throw error;
          return undefined;
        });
        this.#waited += (performance.now() - asked) / 1000;
        if (run !== this.#run) return;
        this.#state = planned?.after ?? sampler.state();
        if (batch === undefined) return;
        plan();
        this.#batches++;
        this.#images += batch.samples.records.length;
        yield batch;
      }
    } finally {
      if (run === this.#run) await this.#maker.close();
    }
  }

  /** Ends an iteration under way and the threads. The loader can be iterated again. */
  async close(): Promise<void> {
    this.#run++;
    await this.#maker.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #sampler(): BatchSampler {
    const { batchSize, dropLast, groupByAspect, sampler } = this.#options;
    const groups = groupByAspect ? { groups: aspectRatioGroups(this.records) } : {};
    const random = this.#random.stream('order');
    return new BatchSampler(sampler ?? new TrainingSampler(this.records.length, { random }), {
      batchSize,
      dropLast,
      ...groups,
    });
  }

  /** Which batches of an epoch this rank takes; counting them takes no time beside making one. */
  #runOfBatches(): readonly [first: number, end: number] {
    if (this.#share.of === 'rows' || this.#options.sampler?.infinite !== false) return [0, Infinity];
    const sampler = this.#sampler();
    sampler.restore(this.#state);
    let count = 0;
    while (sampler.next() !== undefined) count++;
    return runOf(count, this.#share);
  }

  #make(
    indices: readonly number[],
    { epoch, position, held }: DetectionLoaderState,
    places?: readonly number[],
  ): Promise<DetectionBatch> {
    // At the end of an epoch several batches have one position, but never as many samples held.
    const random = this.#random.detached(`augment/${epoch}/${position}/${held.length}`);
    return this.#maker.make(places?.map((place) => indices[place] as number) ?? indices, random, places);
  }
}
