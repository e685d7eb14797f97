import { type RandomStream, type RankShare, runOf } from '@hookline/core';
import { BatchSampler, type BatchSamplerState } from '../samplers/batch-sampler.ts';
import type { Sampler } from '../samplers/sampler.ts';
import { TrainingSampler } from '../samplers/training-sampler.ts';
import { assertShared, placesOf, WHOLE } from './loader-share.ts';
import { assertPosition, isCount, shown } from '../position.ts';

/** Position of a {@link DataLoader}; plain JSON. */
export type DataLoaderState = BatchSamplerState;

/** Makes the batches of a {@link DataLoader}, usually in threads of a {@link WorkerPool}. */
export interface BatchMaker<Batch> {
  /** Starts its threads, if it has any, before the first batch is requested. */
  start(): void;
  /**
   * Makes a batch. Equal arguments give equal batches.
   *
   * @param indices indices of the samples
   * @param random random stream; each sample draws from a sub-stream, selected by its place
   * @param places places of the samples in the batch of all ranks. Default: their places in `indices`
   */
  make(indices: readonly number[], random: RandomStream, places?: readonly number[]): Promise<Batch>;
  /** Waits for a batch. It may make other batches in this thread in the meantime. */
  awaitHelping<T>(batch: Promise<T>): Promise<T>;
  /** Says what is being waited for; undefined if nothing is. */
  describe(): string | undefined;
  /** Ends its threads. The next batch starts new ones. */
  close(): Promise<void>;
}

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions {
  /** Name of the loader in errors. */
  readonly name: string;
  /** Number of samples in the data set. */
  readonly length: number;
  /** Samples per batch, over all ranks. */
  readonly batchSize: number;
  /** Whether to drop a last batch that is not full. */
  readonly dropLast: boolean;
  /** Number of batches to make ahead of time. */
  readonly prefetch: number;
  /** Group of each sample; all samples of a batch are from the same group. Default: one group. */
  readonly groups?: ArrayLike<number> | undefined;
  /** Order of the samples. Default: a `TrainingSampler`, which yields all samples shuffled, without end. */
  readonly sampler?: Sampler | undefined;
  /** Random stream for the order and for the batches. */
  readonly random: RandomStream;
}

/** A batch that is being made. */
interface Planned<Batch> {
  readonly batch: Promise<Batch>;
  readonly samples: number;
  /** The loader's position after this batch has been yielded. */
  readonly after: DataLoaderState;
}

/**
 * Yields batches that a {@link BatchMaker} makes ahead of time. Order and random numbers depend only on seed and
 * position, not on the number of threads, so the position is the whole state and resuming is exact.
 */
export class DataLoader<Batch> implements AsyncIterable<Batch>, AsyncDisposable {
  readonly #options: DataLoaderOptions;
  readonly #maker: BatchMaker<Batch>;
  #share: RankShare = WHOLE;
  #state: DataLoaderState;
  /** Number of the current iterator: starting a new one ends the previous ones. */
  #iteratorId = 0;
  #batches = 0;
  #samples = 0;
  #waited = 0;

  constructor(maker: BatchMaker<Batch>, options: DataLoaderOptions) {
    this.#options = options;
    this.#maker = maker;
    this.#state = this.#sampler().state();
  }

  /**
   * Starts the threads before the first batch is requested, because starting takes a second or more. A trainer calls this before it
   * builds the model. `DataLoader.close` ends the threads; idle threads do not keep the process alive.
   */
  warmUp(): void {
    this.#maker.start();
  }

  /** Says what the loader is doing while a batch is awaited. */
  waitsFor(): string | undefined {
    return this.#maker.describe();
  }

  /**
   * Number of batches in an epoch, in which each sample comes once. It is a fraction if the number of samples is no multiple of `batchSize`, because an
   * endless loader fills its batches across the end of an epoch. Undefined for a sampler without `epochSize`.
   */
  get epochLength(): number | undefined {
    const { batchSize, sampler, length } = this.#options;
    const samples = sampler === undefined ? length : sampler.epochSize;
    return samples === undefined ? undefined : samples / batchSize;
  }

  /** Number of batches and samples yielded so far, and the seconds that callers waited for them. */
  protected get given(): { readonly batches: number; readonly samples: number; readonly waited: number } {
    return { batches: this.#batches, samples: this.#samples, waited: this.#waited };
  }

  /**
   * Restricts the loader to this rank's share: `rows` of every batch, or a contiguous range of whole `batches` of a finite epoch. Positions still refer to
   * the whole data, and random numbers depend on the place in the whole batch. The option `sampler`, if given, must cover the whole data.
   *
   * @throws HooklineError `HKL_DATA_SHARE` if `batchSize` is no multiple of the number of ranks
   */
  shareAmong(share: RankShare): void {
    assertShared(this.#options.name, this.#options.batchSize, share);
    this.#iteratorId++;
    this.#share = share;
  }

  /** The position, for a checkpoint. It does not include batches that were only made ahead of time. */
  state(): DataLoaderState {
    return this.#state;
  }

  /** Says in one sentence why a state is no valid position in these data; undefined if it is valid. */
  misfit(state: unknown): string | undefined {
    const { epoch, position, held } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (!isCount(epoch)) return `"epoch" is ${shown(epoch)}, and should be a count`;
    if (!isCount(position)) return `"position" is ${shown(position)}, and should be a count`;
    const { length, sampler } = this.#options;
    if (!Array.isArray(held) || !held.every((index) => isCount(index) && index < length))
      return `"held" is ${shown(held)}, and should be indices below ${length}`;
    // The epoch length of a given sampler may depend on the seed, which is restored later, so it cannot be checked here.
    if (sampler !== undefined || position <= length) return undefined;
    return `"position" is ${position}, and an epoch has ${length} samples`;
  }

  /** Identifies the data for which positions are valid. */
  fingerprint(): { readonly records: number; readonly batchSize: number } {
    return { records: this.#options.length, batchSize: this.#options.batchSize };
  }

  /**
   * Continues from the position `state`. A running iterator ends.
   *
   * @throws HooklineError `HKL_DATA_STATE` if it is no valid position in these data
   */
  restore(state: DataLoaderState): void {
    assertPosition(this.#options.name, this.misfit(state));
    this.#iteratorId++;
    this.#state = state;
  }

  /**
   * Yields the batches from the current position on, without end or, for a finite sampler, to the end of its epoch.
   *
   * @throws whatever its {@link BatchMaker} throws
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const id = ++this.#iteratorId;
    const sampler = this.#sampler();
    sampler.restore(this.#state);
    const queue: Planned<Batch>[] = [];
    let ended = false;
    const [first, end] = this.#rangeOfBatches();
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
        // The consumer of the batch sees the error. If nobody consumes it, it must not become an unhandled rejection.
        batch.catch(() => undefined);
        queue.push({ batch, samples: (places ?? indices).length, after });
      }
    };
    try {
      for (;;) {
        const asked = performance.now();
        plan();
        const planned = queue.shift();
        const batch = await (planned && this.#maker.awaitHelping(planned.batch))?.catch((error: unknown) => {
          // close() abandons unfinished batches, so their errors are expected.
          if (id === this.#iteratorId) throw error;
          return undefined;
        });
        this.#waited += (performance.now() - asked) / 1000;
        if (id !== this.#iteratorId) return;
        this.#state = planned?.after ?? sampler.state();
        if (planned === undefined || batch === undefined) return;
        plan();
        this.#batches++;
        this.#samples += planned.samples;
        yield batch;
      }
    } finally {
      if (id === this.#iteratorId) await this.#maker.close();
    }
  }

  /** Ends a running iterator and the threads. The loader can be iterated again. */
  async close(): Promise<void> {
    this.#iteratorId++;
    await this.#maker.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #sampler(): BatchSampler {
    const { batchSize, dropLast, groups, sampler, length } = this.#options;
    const random = this.#options.random.stream('order');
    return new BatchSampler(sampler ?? new TrainingSampler(length, { random }), {
      batchSize,
      dropLast,
      ...(groups === undefined ? {} : { groups }),
    });
  }

  /** The batches of an epoch that this rank takes. Counting them is cheap compared with making one. */
  #rangeOfBatches(): readonly [first: number, end: number] {
    if (this.#share.of === 'rows' || this.#options.sampler?.infinite !== false) return [0, Infinity];
    const sampler = this.#sampler();
    sampler.restore(this.#state);
    let count = 0;
    while (sampler.next() !== undefined) count++;
    return runOf(count, this.#share);
  }

  #make(
    indices: readonly number[],
    { epoch, position, held }: DataLoaderState,
    places?: readonly number[],
  ): Promise<Batch> {
    // At the end of an epoch, several batches have the same position, but each holds a different number of samples.
    const random = this.#options.random.detached(`augment/${epoch}/${position}/${held.length}`);
    return this.#maker.make(places?.map((place) => indices[place] as number) ?? indices, random, places);
  }
}
