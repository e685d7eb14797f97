import { z } from 'zod';
import { beyondEnd, empty, exhausted, failed, invalid, misplaced, notRepeatable } from './data-errors.ts';
import { disposeUnused, toDevice, type DeviceBatch } from './device-batch.ts';
import { type DataSource, isBareIterator, isDataset, openData, type OpenedData } from './open-data.ts';
import { skipBatches } from './skip-batches.ts';

/** A data source that knows its own position, so that a resumed training goes on at the same batch. */
export interface ResumableData {
  state(): unknown;
  /** Goes on where `state` was taken. @throws for what it never gave, and for a position that it does not have */
  restore(state: unknown): void;
  /**
   * Says in one sentence why a state cannot be restored, before anything of a checkpoint is loaded. Left out, `restore`
   * is what refuses it.
   */
  misfit?(state: unknown): string | undefined;
  /** What must be the same for positions to mean the same, such as the number of samples; a resumed run compares it. */
  fingerprint?(): DataFingerprint;
}

/** Cheap facts about data, by name. */
export type DataFingerprint = Readonly<Record<string, string | number | boolean>>;

/** What a {@link BatchSourceState} must be like. */
export const batchSourceState = z.object({
  epoch: z.int().min(0),
  batches: z.int().min(0),
  source: z.unknown().optional(),
});

/** Options of {@link BatchSource}. */
export interface BatchSourceOptions {
  /** Begin again when the data ends. @default false */
  readonly repeat?: boolean;
  /** See {@link toDevice}. @default 'borrow' for arrays, else 'consume' */
  readonly tensors?: 'consume' | 'borrow';
}

/** Where a {@link BatchSource} writes a line when passing over batches takes long. Default: nowhere. */
export type SkipLog = (line: string) => void;

/** A batch on the device with the seconds spent waiting for it. */
export interface TimedBatch {
  readonly device: DeviceBatch;
  readonly dataTime: number;
}

/** Position of a {@link BatchSource}. */
export interface BatchSourceState {
  /** Passes completed. */
  readonly epoch: number;
  /** Batches taken in the pass in progress. */
  readonly batches: number;
  /** What the data source itself saved, where it can. */
  readonly source?: unknown;
}

type BatchIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Takes batches from a data source, one per step, on the device. */
export class BatchSource {
  readonly repeat: boolean;
  readonly #tensors: 'consume' | 'borrow' | undefined;
  readonly #log: SkipLog | undefined;
  #data: DataSource;
  #iterable: OpenedData | undefined;
  #iterator: BatchIterator | undefined;
  #epoch = 0;
  #batches = 0;
  /** Batches to pass over before the next one, after a restore. */
  #skip = 0;
  /** Passes over a dataset that were begun: each changes the order of the next where it shuffles. */
  #begun = 0;

  /** @throws HooklineError `HKL_DATA_INVALID` when the data can be neither iterated nor called */
  constructor(data: DataSource, { repeat = false, tensors }: BatchSourceOptions = {}, log?: SkipLog) {
    this.#data = checkedData(data);
    this.repeat = repeat;
    this.#tensors = tensors;
    this.#log = log;
  }

  /**
   * The next batch; a promise only when the data source gave one, or when batches are passed over after a restore.
   *
   * @throws HooklineError `HKL_DATA_EMPTY` when a pass has no batch at all, `HKL_DATA_EXHAUSTED` when the data ends
   * and is not repeated, `HKL_DATA_NOT_REPEATABLE` when it should be repeated and cannot, `HKL_DATA_POSITION` when a
   * restored position is beyond the end of the data, `HKL_DATA_FAILED` with the cause when the source throws, and what
   * {@link toDevice} raises
   */
  next(): TimedBatch | Promise<TimedBatch> {
    const start = performance.now();
    const taken = this.#take();
    const finish = (batch: unknown): TimedBatch => {
      const dataTime = (performance.now() - start) / 1000;
      return { device: toDevice(batch, { tensors: this.#ownership() }), dataTime };
    };
    return taken instanceof Promise ? taken.then(({ batch }) => finish(batch)) : finish(taken.batch);
  }

  /** Takes another data source from the next batch on (detectron2's reset_data_loader). */
  reset(data: DataSource): void {
    const next = checkedData(data);
    void this.#drop();
    this.#data = next;
    this.#epoch = 0;
    this.#batches = 0;
    this.#skip = 0;
    this.#begun = 0;
  }

  /** Where it is. */
  state(): BatchSourceState {
    const resumable = this.#resumable();
    return {
      epoch: this.#epoch,
      batches: this.#batches + this.#skip,
      ...(resumable === undefined ? {} : { source: resumable.state() }),
    };
  }

  /**
   * Goes to where `state` was taken. A source with a position of its own is put there; any other is iterated from its
   * beginning and batches are passed over, so it must give the same ones again. A source that is there already is left
   * alone, which matters to a generator: it cannot begin again.
   *
   * Of a dataset of `tf.data` the passes that were completed are begun and dropped first, so that one which shuffles with
   * a seed has the order of this pass. It cannot be taken back to the order of a pass that has begun already.
   *
   * @throws HooklineError `HKL_DATA_STATE` for what {@link BatchSource.misfit} finds, and what the source itself raises;
   * nothing is changed then
   */
  restore(state: BatchSourceState): void {
    const fault = this.misfit(state);
    if (fault !== undefined) throw misplaced(fault);
    if (JSON.stringify(state) === JSON.stringify(this.state())) return;
    if (this.#keepsPass() && state.epoch === this.#epoch && state.batches >= this.#batches + this.#skip) {
      // The pass in progress leads there.
      this.#skip = state.batches - this.#batches;
      return;
    }
    const resumable = this.#resumable();
    void this.#drop();
    resumable?.restore(state.source);
    this.#epoch = state.epoch;
    this.#batches = resumable === undefined ? 0 : state.batches;
    this.#skip = resumable === undefined ? state.batches : 0;
  }

  /** Why a state cannot be restored, in one sentence; undefined where it can, as far as that is known. */
  misfit(state: unknown): string | undefined {
    const { data, error } = batchSourceState.safeParse(state);
    if (data === undefined)
      return error.issues.map(({ path, message }) => `field "${path.join('.')}": ${message}`).join('; ');
    const resumable = this.#resumable();
    if (resumable !== undefined) {
      if (data.source === undefined) return 'field "source" is missing: these data have a position of their own';
      const fault = resumable.misfit?.(data.source);
      return fault === undefined ? undefined : `field "source": ${fault}`;
    }
    if (data.source !== undefined)
      return 'field "source": it is of data with a position of their own, and these have none';
    const { batches } = data;
    if (!Array.isArray(this.#data) || batches <= this.#data.length) return undefined;
    return `field "batches" is ${batches}, and the data are ${this.#data.length} batches`;
  }

  /** What {@link ResumableData.fingerprint} says; of plain data the number of batches, where they tell it. */
  fingerprint(): DataFingerprint {
    const own = this.#resumable()?.fingerprint?.();
    if (own !== undefined) return own;
    const { length, size } = this.#data as { readonly length?: unknown; readonly size?: unknown };
    const batches = typeof this.#data === 'function' ? undefined : (length ?? size);
    return typeof batches === 'number' ? { batches } : {};
  }

  /** Lets the source free what it holds. The next batch is the one that would have come without the call. */
  async close(): Promise<void> {
    // There is nothing to free, and another iterator would give another order or, of one alone, nothing more.
    if (!this.#keepsPass()) await this.#drop();
  }

  /** Whether the pass in progress goes on after `close`: that of `tf.data`, whose iterators cannot be closed. */
  #keepsPass(): boolean {
    return this.#iterator !== undefined && (isDataset(this.#data) || isBareIterator(this.#data));
  }

  async #drop(): Promise<void> {
    const iterator = this.#iterator;
    if (iterator !== undefined && this.#resumable() === undefined) {
      this.#skip += this.#batches;
      this.#batches = 0;
    }
    this.#iterator = undefined;
    this.#iterable = undefined;
    await iterator?.return?.();
  }

  #ownership(): 'consume' | 'borrow' {
    return this.#tensors ?? (Array.isArray(this.#iterable) ? 'borrow' : 'consume');
  }

  #resumable(): ResumableData | undefined {
    const data: unknown = this.#data;
    const { state, restore } = data as Partial<ResumableData>;
    return typeof state === 'function' && typeof restore === 'function' ? (data as ResumableData) : undefined;
  }

  #take(): { batch: unknown } | Promise<{ batch: unknown }> {
    try {
      const iterator = this.#open();
      if (this.#skip > 0) return this.#skipAndTake(iterator);
      const result = iterator.next();
      return result instanceof Promise
        ? result.then(
            (value: IteratorResult<unknown>) => this.#accept(value),
            (cause: unknown) => {
              throw failed(cause, this.#position());
            },
          )
        : this.#accept(result);
    } catch (cause) {
      throw failed(cause, this.#position());
    }
  }

  async #skipAndTake(iterator: BatchIterator): Promise<{ batch: unknown }> {
    const wanted = this.#skip;
    try {
      await skipBatches(iterator, wanted, {
        passed: (batch) => {
          disposeUnused(batch, { tensors: this.#ownership() });
          this.#batches++;
          this.#skip--;
        },
        ended: () => beyondEnd(this.#position(), wanted, this.#batches),
        log: this.#log,
      });
    } catch (cause) {
      throw failed(cause, this.#position());
    }
    return this.#take();
  }

  #accept(result: IteratorResult<unknown>): { batch: unknown } | Promise<{ batch: unknown }> {
    if (result.done !== true) {
      this.#batches++;
      return { batch: result.value };
    }
    if (this.#batches === 0) throw empty(this.#position());
    if (!this.repeat) throw exhausted(this.#position(), this.#batches);
    if (isOneShot(this.#data, this.#iterator)) throw notRepeatable(this.#position());
    this.#iterator = undefined;
    this.#iterable = undefined;
    this.#epoch++;
    this.#batches = 0;
    return this.#take();
  }

  #open(): BatchIterator {
    if (this.#iterator !== undefined) return this.#iterator;
    const passesBefore = isDataset(this.#data) ? Math.max(0, this.#epoch - this.#begun) : 0;
    let made: unknown;
    const data = this.#data;
    const iterable = openData(typeof data === 'function' ? () => (made = data()) : data, passesBefore);
    if (iterable === undefined) throw invalid(made, 'what the data function returned');
    this.#begun += passesBefore + 1;
    this.#iterable = iterable;
    this.#iterator = Array.isArray(iterable) ? this.#openArray(iterable) : iteratorOf(iterable);
    return this.#iterator;
  }

  /** An array is entered at any place at once. */
  #openArray(array: readonly unknown[]): BatchIterator {
    const first = this.#skip;
    if (first > array.length) throw beyondEnd(this.#position(), first, array.length);
    this.#batches += first;
    this.#skip = 0;
    return first === 0 ? array.values() : rest(array, first);
  }

  #position(): string {
    return `epoch ${this.#epoch}, batch ${this.#batches}`;
  }
}

const iteratorOf = (iterable: OpenedData): BatchIterator =>
  Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();

function* rest(array: readonly unknown[], first: number): Generator<unknown, void, undefined> {
  for (let index = first; index < array.length; index++) yield array[index];
}

/** A generator, or an iterator of `tf.data`, that has ended would say so for ever. */
const isOneShot = (data: unknown, iterator: unknown): boolean => data === iterator || isBareIterator(data);

function checkedData(data: unknown): DataSource {
  if (typeof data === 'function' || openData(data as DataSource) !== undefined) return data as DataSource;
  throw invalid(data, 'the data');
}
