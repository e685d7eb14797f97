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

/** As many as libuv has threads, which is where decoding happens without threads of one's own. */
const PARALLEL = 4;

/** How long a batch that a thread has begun may take to come before this thread makes others, in milliseconds. */
const PATIENCE_MS = 20;

const noop = (): void => undefined;

/**
 * Makes batches of records: in threads all of it, where the augmentations can be told to them; else threads decode, and
 * the rest happens here. Equal calls give equal batches either way.
 */
export class ImageBatchMaker implements BatchMaker<DetectionBatch> {
  /** Images read from files. */
  decoded = 0;
  /** Images that were in memory. */
  hits = 0;
  /** Bytes of the images kept in memory. */
  bytes = 0;
  /** Seconds of augmenting and batching. */
  mapped = 0;
  /** Where that happens. */
  readonly mappedIn: 'threads' | 'main';
  readonly #records: readonly DatasetRecord[];
  readonly #options: ReturnType<typeof resolveLoaderOptions>;
  readonly #slots = new Map<number, SharedArrayBuffer>();
  readonly #specs: readonly AugmentationSpec[];
  #pool: BatchPool | undefined;
  #restarts = 0;
  /** What this thread reads. */
  #here: string | undefined;
  /** How long this thread took for its last batch, in milliseconds. */
  #usual = 0;
  /** What this thread makes instead of a thread. */
  #helping: Promise<boolean> | undefined;

  constructor(records: readonly DatasetRecord[], options: ReturnType<typeof resolveLoaderOptions>) {
    this.#records = records;
    this.#options = options;
    this.#specs = options.augmentations.flatMap((each) => specOf(each) ?? []);
    const canTravel = this.#specs.length === options.augmentations.length;
    this.mappedIn = canTravel && options.workers > 0 ? 'threads' : 'main';
  }

  /** Threads that died and were replaced. */
  get restarts(): number {
    return this.#restarts + (this.#pool?.restarts ?? 0);
  }

  /**
   * A batch.
   *
   * @param indices of its records
   * @param random each sample draws from a sub-stream, by its place
   * @param places of the samples in the batch of all ranks; default: their places among these
   * @throws what {@link BatchPool.run} raises
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
      // Not at once: whoever waits for a batch that is ready should not wait for the next one too.
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

  /** Starts the threads, so that they are ready when the first batch is asked for. */
  start(): void {
    if (this.#options.workers > 0) this.#threads().start();
  }

  /**
   * Waits for a batch, and meanwhile makes those in this thread that no thread has begun: see {@link BatchPool.help}.
   * Which of the two makes a batch changes nothing about it.
   */
  async awaitHelping<T>(batch: Promise<T>): Promise<T> {
    const pool = this.#pool;
    if (pool === undefined) return batch;
    let hasCome = false;
    const there = batch.finally(() => (hasCome = true));
    const isThere = (): boolean => hasCome;
    const settled = there.then(noop, noop);
    // Where a thread is at it, it may be there at once; nobody waits for a thread to begin.
    if (!pool.isOldestFree) await Promise.race([settled, sleep(PATIENCE_MS, undefined, { ref: false })]);
    const meanwhile = async (what: 'help' | 'overtake'): Promise<boolean> => {
      this.#helping ??= this.#make(pool, what).finally(() => (this.#helping = undefined));
      // Reading a file may take for ever; the batch that is waited for may come all the same.
      return (await Promise.race([settled, this.#helping])) === true;
    };
    while (!isThere()) {
      if (await meanwhile('help')) {
        await nextTurn();
        continue;
      }
      // Threads are at all of them. One that takes longer than this one would is slow, or seldom gets to run.
      await Promise.race([settled, sleep(Math.max(PATIENCE_MS, this.#usual), undefined, { ref: false })]);
      if (isThere() || !(await meanwhile('overtake'))) break;
    }
    return there;
  }

  /** What is waited for, in words; undefined where nothing is. */
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

  /** Ends the threads; images in memory stay. The next batch starts new ones. */
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
      // Threads that only decode run no augmentation.
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
