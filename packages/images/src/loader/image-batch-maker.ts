import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RandomStream } from '@hookline/core';
import type { BatchMaker } from '@hookline/data';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { isBuiltIn, specOf, type AugmentationSpec } from '../transforms/augmentation-spec.ts';
import { packTransforms, unpackTransforms } from '../transforms/pack-transforms.ts';
import type { BatchJob, SampleJob } from './batch-job.ts';
import { BatchPool } from './batch-pool.ts';
import { BatchSamples, type DetectionBatch } from './detection-batch.ts';
import { fitSize } from '@hookline/inference/detections';
import { isFilled, makeSlot, pixelsOf } from './image-slot.ts';
import type { resolveLoaderOptions } from './loader-options.ts';
import { finishBatch, imageOf, loadImages, type LoadedImages } from './make-batch.ts';

/** Images decoded at a time without worker threads: as many as libuv has threads, in which sharp then decodes. */
const PARALLEL = 4;

/** Milliseconds that the calling thread waits for a batch in progress before it makes batches itself. */
const PATIENCE_MS = 20;

const noop = (): void => undefined;

/**
 * Makes batches of records. If all augmentations can be sent to threads, the threads make whole batches; else they only decode,
 * and this thread does the rest. Equal calls give equal batches either way.
 */
export class ImageBatchMaker implements BatchMaker<DetectionBatch> {
  /** Number of images decoded from files. */
  decoded = 0;
  /** Number of images found in the cache. */
  hits = 0;
  /** Size of the cached images in bytes. */
  bytes = 0;
  /** Seconds spent on augmentation and batching. */
  mapped = 0;
  /** Where augmentation and batching run. */
  readonly mappedIn: 'threads' | 'main';
  readonly #records: readonly DatasetRecord[];
  readonly #options: ReturnType<typeof resolveLoaderOptions>;
  readonly #slots = new Map<number, SharedArrayBuffer>();
  readonly #specs: readonly AugmentationSpec[];
  #pool: BatchPool | undefined;
  #restarts = 0;
  /** What this thread is reading, for messages. */
  #here: string | undefined;
  /** Duration of this thread's last batch, in milliseconds. */
  #usual = 0;
  /** The batch that this thread is making in place of a worker thread. */
  #helping: Promise<boolean> | undefined;

  constructor(records: readonly DatasetRecord[], options: ReturnType<typeof resolveLoaderOptions>) {
    this.#records = records;
    this.#options = options;
    this.#specs = options.augmentations.flatMap((each) => specOf(each) ?? []);
    const canTravel = this.#specs.length === options.augmentations.length;
    this.mappedIn = canTravel && options.workers > 0 ? 'threads' : 'main';
  }

  /** Number of threads that died and were replaced. */
  get restarts(): number {
    return this.#restarts + (this.#pool?.restarts ?? 0);
  }

  /**
   * Makes a batch.
   *
   * @param indices indices of its records
   * @param random stream of the batch; each sample draws from the sub-stream of its place
   * @param places indices of the samples in the batch of all ranks. Default: their indices in this batch
   * @throws HooklineError as {@link BatchPool.run} does
   */
  async make(
    indices: readonly number[],
    { seed, path }: RandomStream,
    places?: readonly number[],
  ): Promise<DetectionBatch> {
    const samples = indices.map((index) => this.#sampleOf(index));
    const job: BatchJob = { samples, random: { seed, path }, places };
    const records = indices.map((index) => this.#record(index));
    if (this.mappedIn === 'main') {
      const { images, read } = await this.#load(job);
      this.#count(samples.length, read);
      // Yield first, so that a consumer of a finished batch need not wait for the next one too.
      await nextTurn();
      const { fields, transforms, seconds } = this.#finish(job, images);
      this.mapped += seconds;
      return { ...fields, samples: new BatchSamples(records, transforms) };
    }
    const result = await this.#threads().run(job);
    if (!('batch' in result)) throw new TypeError('a thread gave images instead of a batch');
    const { fields, transforms, seconds } = result.batch;
    this.#count(samples.length, result.read);
    this.mapped += seconds;
    return { ...fields, samples: new BatchSamples(records, () => unpackTransforms(transforms)) };
  }

  /** Starts the threads early, so that they are ready for the first batch. */
  start(): void {
    if (this.#options.workers > 0) this.#threads().start();
  }

  /**
   * Waits for a batch and meanwhile makes, in this thread, batches that no worker thread has begun: see {@link BatchPool.help}.
   * A batch is the same whichever thread makes it.
   */
  async awaitHelping<T>(batch: Promise<T>): Promise<T> {
    const pool = this.#pool;
    if (pool === undefined) return batch;
    let hasCome = false;
    const there = batch.finally(() => (hasCome = true));
    const isThere = (): boolean => hasCome;
    const settled = there.then(noop, noop);
    // A worker thread that has begun the batch gets a moment to finish it. Otherwise this thread helps at once.
    if (!pool.isOldestFree) await Promise.race([settled, sleep(PATIENCE_MS, undefined, { ref: false })]);
    const meanwhile = async (what: 'help' | 'overtake'): Promise<boolean> => {
      this.#helping ??= this.#make(pool, what).finally(() => (this.#helping = undefined));
      // Reading a file here may hang, while the awaited batch may still arrive.
      return (await Promise.race([settled, this.#helping])) === true;
    };
    while (!isThere()) {
      if (await meanwhile('help')) {
        await nextTurn();
        continue;
      }
      // All batches are in progress. If a worker takes longer than this thread would, it is slow or gets little processor time.
      await Promise.race([settled, sleep(Math.max(PATIENCE_MS, this.#usual), undefined, { ref: false })]);
      if (isThere() || !(await meanwhile('overtake'))) break;
    }
    return there;
  }

  /** Describes what is being waited for, for messages; undefined when nothing is. */
  describe(): string | undefined {
    const names = this.mappedIn === 'threads' ? this.#specs.map(({ name }) => name) : [];
    const here = this.#here === undefined ? [] : [`the main thread, ${this.#here}`];
    const busy = [...here, this.#pool?.describeBatches(names) ?? []].flat();
    return busy.length === 0 ? undefined : busy.join('; ');
  }

  async #make(pool: BatchPool, what: 'help' | 'overtake'): Promise<boolean> {
    const isWhole = this.mappedIn === 'threads';
    return pool[what](async (job) => {
      const begun = performance.now();
      const { images, read } = await this.#read(job);
      if (!isWhole) return { pixels: images.map(({ data }) => data), read };
      await nextTurn();
      const { transforms, ...batch } = this.#finish(job, images);
      this.#usual = performance.now() - begun;
      return { batch: { ...batch, transforms: packTransforms(transforms) }, read };
    });
  }

  #finish(job: BatchJob, images: LoadedImages['images']): ReturnType<typeof finishBatch> {
    return finishBatch(job, images, this.#options.augmentations, this.#settings);
  }

  async #read({ samples }: BatchJob): Promise<LoadedImages> {
    try {
      return await loadImages(samples, PARALLEL, (place) => {
        this.#here = `reading ${samples[place]?.request.file}`;
      });
    } finally {
      this.#here = undefined;
    }
  }

  /** Stops the threads but keeps the cached images. The next batch starts new threads. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#restarts = this.restarts;
    this.#pool = undefined;
    await pool?.close();
  }

  get #settings() {
    const { size, frame = size, divisor, maxBoxes, fill, dtype, minVisible, minSize } = this.#options;
    return { frame, divisor, maxBoxes, fill, dtype, minVisible, minSize };
  }

  #threads(): BatchPool {
    const isWhole = this.mappedIn === 'threads';
    return (this.#pool ??= new BatchPool({
      workers: this.#options.workers,
      recipe: isWhole ? { settings: this.#settings, augmentations: this.#specs } : undefined,
      // Threads that only decode run no augmentations.
      isBuiltIn: !isWhole || this.#specs.every(isBuiltIn),
    }));
  }

  async #load(job: BatchJob): Promise<LoadedImages> {
    const isInMemory = job.samples.every(({ slot }) => slot !== undefined && isFilled(slot));
    if (isInMemory || this.#options.workers === 0) return this.#read(job);
    const result = await this.#threads().run(job);
    if (!('pixels' in result)) throw new TypeError('a thread gave a batch instead of images');
    const images = job.samples.map(({ request, slot }, place) =>
      imageOf(request, slot === undefined ? (result.pixels[place] as Uint8Array) : pixelsOf(slot)),
    );
    return { images, read: result.read };
  }

  #count(images: number, read: number): void {
    this.decoded += read;
    this.hits += images - read;
  }

  #record(index: number): DatasetRecord {
    return this.#records[index] as DatasetRecord;
  }

  #sampleOf(index: number): SampleJob {
    const record = this.#record(index);
    const { file, annotations, orient = true } = record;
    const { width, height } = fitSize(record, this.#options.size, this.#options.fit);
    const targets = annotations.filter(({ iscrowd }) => iscrowd === 0);
    return {
      request: { file, sourceWidth: record.width, sourceHeight: record.height, width, height, orient },
      slot: this.#options.cache ? this.#slot(index, width * height * 3) : undefined,
      boxes: targets.flatMap(({ box }) => box),
      classes: targets.map(({ category }) => category),
    };
  }

  #slot(index: number, bytes: number): SharedArrayBuffer {
    let slot = this.#slots.get(index);
    if (slot === undefined) {
      this.#slots.set(index, (slot = makeSlot(bytes)));
      this.bytes += bytes;
    }
    return slot;
  }
}
