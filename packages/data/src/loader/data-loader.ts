import { type RandomStream, type RankShare, runOf } from '@hookline/core';
import { BatchSampler, type BatchSamplerState } from '../samplers/batch-sampler.ts';
import type { Sampler } from '../samplers/sampler.ts';
import { TrainingSampler } from '../samplers/training-sampler.ts';
import { assertShared, placesOf, WHOLE } from './loader-share.ts';
import { assertPosition, isCount, shown } from '../position.ts';

/** Where a {@link DataLoader} stands; plain JSON. */
export type DataLoaderState = BatchSamplerState;

/** Makes the batches of a {@link DataLoader}, mostly in threads of a {@link WorkerPool}. */
export interface BatchMaker<Batch> {
  /** Starts its threads, where it has any, ahead of the first batch. */
  start(): void;
  /**
   * A batch; equal calls give equal batches.
   *
   * @param indices of its samples
   * @param random each sample draws from a sub-stream, by its place
   * @param places of the samples in the batch of all ranks; default: their places among these
   */
  make(indices: readonly number[], random: RandomStream, places?: readonly number[]): Promise<Batch>;
  /** Waits for a batch, and may meanwhile make others in this thread. */
  awaitHelping<T>(batch: Promise<T>): Promise<T>;
  /** What is waited for, in words; undefined where nothing is. */
  describe(): string | undefined;
  /** Ends its threads. The next batch starts new ones. */
  close(): Promise<void>;
}

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions {
  /** What errors call it. */
  readonly name: string;
  /** Samples of the data set. */
  readonly length: number;
  /** Samples per batch, of all ranks together. */
  readonly batchSize: number;
  /** Leaves out last batches that are not full. */
  readonly dropLast: boolean;
  /** Batches made ahead. */
  readonly prefetch: number;
  /** Group of each sample: the samples of a batch are all of one group. Default: one group. */
  readonly groups?: ArrayLike<number> | undefined;
  /** Order of the samples. Default: all of them, shuffled, without end. */
  readonly sampler?: Sampler | undefined;
  /** Where order and the batches' random numbers come from. */
  readonly random: RandomStream;
}

/** A batch in the making. */
interface Planned<Batch> {
  readonly batch: Promise<Batch>;
  readonly samples: number;
  /** Where the loader stands once it has been given out. */
  readonly after: DataLoaderState;
}

/**
 * Batches of samples that are made ahead of time, whatever they are of. Order and random numbers depend on seed and
 * position alone, whatever the number of threads, so that the position is the whole state and resuming is exact.
 */
export class DataLoader<Batch> implements AsyncIterable<Batch>, AsyncDisposable {
  readonly #options: DataLoaderOptions;
  readonly #maker: BatchMaker<Batch>;
  #share: RankShare = WHOLE;
  #state: DataLoaderState;
  /** Counts iterations: one that is begun ends those before it. */
  #run = 0;
  #batches = 0;
  #samples = 0;
  #waited = 0;

  constructor(maker: BatchMaker<Batch>, options: DataLoaderOptions) {
    this.#options = options;
    this.#maker = maker;
    this.#state = this.#sampler().state();
  }

  /**
   * Starts its threads ahead of the first batch, since that takes them a second or more. A training calls it before it
   * makes the model. `DataLoader.close` ends them; idle ones keep no process alive.
   */
  warmUp(): void {
    this.#maker.start();
  }

  /** What it is doing while somebody waits for a batch, in words. */
  waitsFor(): string | undefined {
    return this.#maker.describe();
  }

  /** What it has given out, and the seconds that whoever asked for a batch waited for it. */
  protected get given(): { readonly batches: number; readonly samples: number; readonly waited: number } {
    return { batches: this.#batches, samples: this.#samples, waited: this.#waited };
  }

  /**
   * Gives this rank its share from now on: `rows` of every batch, or a run of whole `batches` of an epoch that ends. Positions stay those of
   * the whole data, and random numbers go by the place in the whole batch. A sampler that is given must be of the whole data too.
   *
   * @throws HooklineError `HKL_DATA_SHARE` where `batchSize` is no multiple of the number of ranks
   */
  shareAmong(share: RankShare): void {
    assertShared(this.#options.name, this.#options.batchSize, share);
    this.#run++;
    this.#share = share;
  }

  /** Where it stands, for a checkpoint. Batches made ahead do not count. */
  state(): DataLoaderState {
    return this.#state;
  }

  /** Why a state is no place in these data, in one sentence; undefined where it is one. */
  misfit(state: unknown): string | undefined {
    const { epoch, position, held } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (!isCount(epoch)) return `"epoch" is ${shown(epoch)}, and should be a count`;
    if (!isCount(position)) return `"position" is ${shown(position)}, and should be a count`;
    const { length, sampler } = this.#options;
    if (!Array.isArray(held) || !held.every((index) => isCount(index) && index < length))
      return `"held" is ${shown(held)}, and should be indices below ${length}`;
    // How long an epoch of another sampler is may depend on the seed, which is restored later.
    if (sampler !== undefined || position <= length) return undefined;
    return `"position" is ${position}, and an epoch has ${length} samples`;
  }

  /** What gives positions their meaning. */
  fingerprint(): { readonly records: number; readonly batchSize: number } {
    return { records: this.#options.length, batchSize: this.#options.batchSize };
  }

  /**
   * Goes on where `state` was taken. An iteration under way ends.
   *
   * @throws HooklineError `HKL_DATA_STATE` for what is no place in these data
   */
  restore(state: DataLoaderState): void {
    assertPosition(this.#options.name, this.misfit(state));
    this.#run++;
    this.#state = state;
  }

  /**
   * Gives the batches that follow, without end or to the end of the sampler's epoch.
   *
   * @throws whatever its {@link BatchMaker} raises
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const run = ++this.#run;
    const sampler = this.#sampler();
    sampler.restore(this.#state);
    const queue: Planned<Batch>[] = [];
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
        queue.push({ batch, samples: (places ?? indices).length, after });
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
        if (planned === undefined || batch === undefined) return;
        plan();
        this.#batches++;
        this.#samples += planned.samples;
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
    const { batchSize, dropLast, groups, sampler, length } = this.#options;
    const random = this.#options.random.stream('order');
    return new BatchSampler(sampler ?? new TrainingSampler(length, { random }), {
      batchSize,
      dropLast,
      ...(groups === undefined ? {} : { groups }),
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
    { epoch, position, held }: DataLoaderState,
    places?: readonly number[],
  ): Promise<Batch> {
    // At the end of an epoch several batches have one position, but never as many samples held.
    const random = this.#options.random.detached(`augment/${epoch}/${position}/${held.length}`);
    return this.#maker.make(places?.map((place) => indices[place] as number) ?? indices, random, places);
  }
}
