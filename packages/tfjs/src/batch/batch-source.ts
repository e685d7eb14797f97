import { HooklineError, isHooklineError } from '@hookline/core';
import { BatchWait, type WaitingData } from './batch-wait.ts';
import { toDevice, type DeviceBatch } from './device-batch.ts';
import { type DataSource, isBareIterator, isDataset, openData, type OpenedData } from './open-data.ts';

/** A data source that knows its own position, so that a resumed training goes on at the same batch. */
export interface ResumableData {
  state(): unknown;
  restore(state: unknown): void;
}

/** Options of {@link BatchSource}. */
export interface BatchSourceOptions {
  /** Begin again when the data ends. @default false */
  readonly repeat?: boolean;
  /** See {@link toDevice}. @default 'borrow' for arrays, else 'consume' */
  readonly tensors?: 'consume' | 'borrow';
}

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
  #data: DataSource;
  #iterable: OpenedData | undefined;
  #iterator: BatchIterator | undefined;
  #epoch = 0;
  #batches = 0;
  /** Batches to pass over before the next one, after a restore. */
  #skip = 0;
  /** Whose batch was taken last, and where the source was before. */
  #taken: { readonly iteration: number; readonly before: BatchSourceState } | undefined;
  readonly #wait = new BatchWait();
  /** It has got ready, and has not been iterated, so that no end of an iteration will undo it. */
  #isWarm = false;
  /** Passes over a dataset that were begun: each changes the order of the next where it shuffles. */
  #begun = 0;

  /** @throws HooklineError `HKL_DATA_INVALID` when the data can be neither iterated nor called */
  constructor(data: DataSource, { repeat = false, tensors }: BatchSourceOptions = {}) {
    this.#data = checkedData(data);
    this.repeat = repeat;
    this.#tensors = tensors;
  }

  /** Tells a source with a function `warmUp` that batches will be asked for soon, so that it can start its threads. */
  warmUp(): void {
    const { warmUp } = this.#data as { readonly warmUp?: unknown };
    if (typeof warmUp !== 'function') return;
    this.#isWarm = true;
    warmUp.call(this.#data);
  }

  /**
   * The next batch; a promise only when the data source gave one.
   *
   * @param iteration of the step that it is for; see {@link BatchSource.stateAt}
   * @throws HooklineError `HKL_DATA_EMPTY` when a pass has no batch at all, `HKL_DATA_EXHAUSTED` when the data ends
   * and is not repeated, `HKL_DATA_NOT_REPEATABLE` when it should be repeated and cannot, `HKL_DATA_FAILED` with the
   * cause when the source throws, `HKL_BATCH_INVALID` for null and undefined, and what {@link toDevice} raises
   */
  next(iteration?: number): TimedBatch | Promise<TimedBatch> {
    const start = performance.now();
    this.#taken = iteration === undefined ? undefined : { iteration, before: this.state() };
    const taken = this.#take();
    const finish = (batch: unknown): TimedBatch => {
      const dataTime = (performance.now() - start) / 1000;
      if (batch === undefined || batch === null) throw nothing(batch, this.#position());
      return { device: toDevice(batch, { tensors: this.#ownership() }), dataTime };
    };
    return taken instanceof Promise ? this.#wait.for(taken).then(({ batch }) => finish(batch)) : finish(taken.batch);
  }

  /** What the batch that was asked for waits for; undefined when none is awaited. */
  waitsFor(): string | undefined {
    if (!this.#wait.isWaiting) return undefined;
    const { waitsFor } = this.#data as Partial<WaitingData>;
    return waitsFor?.call(this.#data) ?? `a batch of the data, ${this.#position()}`;
  }

  /** Ends the wait for a batch with an error; the batch is dropped when it comes after all. */
  stopWaiting(error: unknown): void {
    this.#wait.giveUp(error);
  }

  /** Takes another data source from the next batch on (detectron2's reset_data_loader). */
  reset(data: DataSource): void {
    const next = checkedData(data);
    if (this.#isWarm) void this.#closeData();
    this.#isWarm = false;
    void this.#drop();
    this.#data = next;
    this.#taken = undefined;
    this.#epoch = 0;
    this.#batches = 0;
    this.#skip = 0;
    this.#begun = 0;
  }

  /**
   * Where it was after `done` iterations: before the batch that was taken last, where that was for a step which is not
   * among them, so that resuming makes the step with the same batch.
   */
  stateAt(done: number): BatchSourceState {
    return this.#taken !== undefined && this.#taken.iteration >= done ? this.#taken.before : this.state();
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
   */
  restore(state: BatchSourceState): void {
    this.#taken = undefined;
    if (JSON.stringify(state) === JSON.stringify(this.state())) return;
    if (this.#keepsPass() && state.epoch === this.#epoch && state.batches >= this.#batches + this.#skip) {
      // The pass in progress leads there.
      this.#skip = state.batches - this.#batches;
      return;
    }
    void this.#drop();
    const resumable = this.#resumable();
    this.#epoch = state.epoch;
    const knows = resumable !== undefined && 'source' in state;
    if (knows) resumable.restore(state.source);
    this.#batches = knows ? state.batches : 0;
    this.#skip = knows ? 0 : state.batches;
  }

  /** Lets the source free what it holds. The next batch is the one that would have come without the call. */
  async close(): Promise<void> {
    if (this.#isWarm) await this.#closeData();
    this.#isWarm = false;
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
    if (this.#wait.isStuck) {
      this.#wait.isStuck = false;
      // A generator returns only after what it awaits has come; a source that can be closed lets go of that.
      const closed = this.#closeData();
      void Promise.resolve(iterator?.return?.()).catch(() => undefined);
      await closed;
      return;
    }
    await iterator?.return?.();
  }

  #closeData(): unknown {
    const { close } = this.#data as { readonly close?: unknown };
    return typeof close === 'function' ? close.call(this.#data) : undefined;
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
      const result = this.#open().next();
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

  #accept(result: IteratorResult<unknown>): { batch: unknown } | Promise<{ batch: unknown }> {
    if (result.done !== true) {
      this.#batches++;
      if (this.#skip === 0) return { batch: result.value };
      this.#skip--;
      const { owned } = toDevice(result.value, { tensors: this.#ownership() });
      for (const tensor of owned) tensor.dispose();
      return this.#take();
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
    this.#isWarm = false;
    const passesBefore = isDataset(this.#data) ? Math.max(0, this.#epoch - this.#begun) : 0;
    let made: unknown;
    const data = this.#data;
    const iterable = openData(typeof data === 'function' ? () => (made = data()) : data, passesBefore);
    if (iterable === undefined) throw invalid(made, 'what the data function returned');
    this.#begun += passesBefore + 1;
    this.#iterable = iterable;
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    return this.#iterator;
  }

  #position(): string {
    return `epoch ${this.#epoch}, batch ${this.#batches}`;
  }
}

/** A generator, or an iterator of `tf.data`, that has ended would say so for ever. */
const isOneShot = (data: unknown, iterator: unknown): boolean => data === iterator || isBareIterator(data);

function checkedData(data: unknown): DataSource {
  if (typeof data === 'function' || openData(data as DataSource) !== undefined) return data as DataSource;
  throw invalid(data, 'the data');
}

function invalid(value: unknown, what: string): HooklineError {
  const found = value === null ? 'null' : value instanceof Promise ? 'a promise' : typeof value;
  return new HooklineError('HKL_DATA_INVALID', `${what} is ${found}, which cannot be iterated`, {
    who: 'data',
    fix:
      value instanceof Promise
        ? 'Await it first: the promise of an iterator or of a dataset holds no batches'
        : 'Give an array of batches, an iterable, an async iterable, a tf.data dataset, or a function that returns one',
  });
}

const empty = (where: string): HooklineError =>
  new HooklineError('HKL_DATA_EMPTY', 'the data holds no batch', {
    who: 'data',
    where,
    fix: 'Look at its path and filters; with dropLast, a set smaller than one batch is empty',
  });

const nothing = (batch: unknown, where: string): HooklineError =>
  new HooklineError('HKL_BATCH_INVALID', `the data gave ${String(batch)} in the place of a batch`, {
    who: 'data',
    where,
    fix: 'Give tensors, or objects and arrays with tensors or { data, shape } in them; end the data by ending its iteration',
  });

const exhausted = (where: string, batches: number): HooklineError =>
  new HooklineError('HKL_DATA_EXHAUSTED', `the data ended after ${batches} batches and training wants another`, {
    who: 'data',
    where,
    fix: 'Set repeat: true to begin again, or train for fewer iterations',
  });

const notRepeatable = (where: string): HooklineError =>
  new HooklineError(
    'HKL_DATA_NOT_REPEATABLE',
    'the data is a generator or an iterator that has ended; it cannot begin again',
    {
      who: 'data',
      where,
      fix: 'Give the generator function itself instead of what it returns (data: batches, not data: batches()), or the tf.data dataset instead of its iterator',
    },
  );

function failed(cause: unknown, where: string): unknown {
  if (isHooklineError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HooklineError('HKL_DATA_FAILED', `reading a batch failed: ${reason}`, { who: 'data', where, cause });
}
