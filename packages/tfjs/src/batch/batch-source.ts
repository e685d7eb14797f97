import { type Communicator, describeCause, shareData, singleProcess } from '@hookline/core';
import { type BatchSourceState, batchSourceState, type DataFingerprint, type ResumableData } from './batch-position.ts';
import { BatchWait, type WaitingData } from './batch-wait.ts';
import {
  beyondEnd,
  empty,
  exhausted,
  failed,
  invalidDataError,
  misplaced,
  nothing,
  notRepeatable,
} from './data-errors.ts';
import { disposeUnused, toDevice, type DeviceBatch } from './device-batch.ts';
import { type DataSource, isBareIterator, isDataset, openData, type OpenedData, unreadData } from './open-data.ts';
import { skipBatches } from './skip-batches.ts';

/** Options of {@link BatchSource}. */
export interface BatchSourceOptions {
  /** Whether to start again when the data ends. @default false */
  readonly repeat?: boolean;
  /** See {@link toDevice}. @default 'borrow' for arrays, else 'consume' */
  readonly tensors?: 'consume' | 'borrow';
}

/** A batch on the device, with the seconds spent waiting for it. */
export interface TimedBatch {
  readonly device: DeviceBatch;
  readonly dataTime: number;
}

type BatchIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Takes one batch per step from a data source and puts it on the device. */
export class BatchSource {
  readonly repeat: boolean;
  readonly #tensors: 'consume' | 'borrow' | undefined;
  readonly #log: ((line: string) => void) | undefined;
  readonly #ranks: Pick<Communicator, 'rank' | 'size'>;
  #hasLogged = false;
  #data: DataSource;
  #iterable: OpenedData | undefined;
  #iterator: BatchIterator | undefined;
  #epoch = 0;
  #batches = 0;
  /** The number of batches to skip before the next one, after a restore. */
  #skip = 0;
  /** The iteration for which the last batch was taken, and the position before it. */
  #taken: { readonly iteration: number; readonly before: BatchSourceState } | undefined;
  readonly #wait = new BatchWait();
  /** Whether the source has warmed up but has not been iterated, so that no end of an iteration will close it. */
  #isWarm = false;
  /** The restored position when the data are never read. */
  #kept: BatchSourceState | undefined;
  /**
   * The number of passes begun over a dataset. Each pass changes the order of the next one when the dataset shuffles.
   */
  #begun = 0;

  /**
   * @param log receives a line when skipping batches takes long, and when replaced data cannot be closed; default: no
   * log
   * @param ranks selects this process's share of each batch, when the data can be shared; default: a single process
   * @throws HooklineError `HKL_DATA_INVALID` when the data can be neither iterated nor called
   */
  constructor(
    data: DataSource,
    { repeat = false, tensors }: BatchSourceOptions = {},
    log?: (line: string) => void,
    ranks: Pick<Communicator, 'rank' | 'size'> = singleProcess,
  ) {
    this.#ranks = ranks;
    this.#data = checkedData(data);
    if (typeof data !== 'function') this.#share(data);
    this.repeat = repeat;
    this.#tensors = tensors;
    this.#log = log;
  }

  /**
   * Tells a source that has a `warmUp` function that batches will soon be requested, so that it can start its threads.
   */
  warmUp(): void {
    const { warmUp } = this.#data as { readonly warmUp?: unknown };
    if (typeof warmUp !== 'function') return;
    this.#isWarm = true;
    warmUp.call(this.#data);
  }

  /**
   * Returns the next batch, as a promise only when the data source returned one or batches are skipped after a restore.
   *
   * @param iteration the iteration for which the batch is taken; see {@link BatchSource.stateAt}
   * @throws HooklineError `HKL_DATA_EMPTY` when a pass has no batch at all, `HKL_DATA_EXHAUSTED` when the data ends
   * and is not repeated, `HKL_DATA_NOT_REPEATABLE` when it should be repeated and cannot, `HKL_DATA_POSITION` when a
   * restored position is beyond the end of the data, `HKL_DATA_FAILED` with the cause when the source throws,
   * `HKL_BATCH_INVALID` for null and undefined, and what {@link toDevice} raises
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

  /** Says what the requested batch is waiting for; undefined when no batch is awaited. */
  waitsFor(): string | undefined {
    if (!this.#wait.isWaiting) return undefined;
    const { waitsFor } = this.#data as Partial<WaitingData>;
    return waitsFor?.call(this.#data) ?? `a batch of the data, ${this.#position()}`;
  }

  /** Ends the wait for a batch with an error. A batch that arrives later is dropped. */
  stopWaiting(error: unknown): void {
    this.#wait.giveUp(error);
  }

  /** Uses another data source from the next batch on (detectron2's reset_data_loader). */
  reset(data: DataSource): void {
    const next = checkedData(data);
    if (typeof data !== 'function') this.#share(data);
    // The old source's threads are idle; even if they cannot be ended, they do not keep the process alive.
    if (this.#isWarm) this.#closeData().catch(() => undefined);
    this.#isWarm = false;
    this.#leave();
    this.#data = next;
    this.#kept = undefined;
    this.#taken = undefined;
    this.#epoch = 0;
    this.#batches = 0;
    this.#skip = 0;
    this.#begun = 0;
  }

  /**
   * Returns the position after `done` iterations. When the last batch was taken for a step that is not among these,
   * this is the position before that batch, so that a resumed run makes the step with the same batch.
   */
  stateAt(done: number): BatchSourceState {
    return this.#taken !== undefined && this.#taken.iteration >= done ? this.#taken.before : this.state();
  }

  /** Returns the current position. */
  state(): BatchSourceState {
    if (this.#kept !== undefined) return this.#kept;
    const resumable = this.#resumable();
    return {
      epoch: this.#epoch,
      batches: this.#batches + this.#skip,
      ...(resumable === undefined ? {} : { source: resumable.state() }),
    };
  }

  /**
   * Goes to the position at which `state` was taken. A source with its own position is restored to it. Any other source
   * is iterated from its beginning and batches are skipped, so it must return the same batches again. A source that is
   * already at the position is left alone, which matters for a generator: it cannot start again.
   *
   * For a dataset of `tf.data`, the completed passes are begun and dropped first, so that a dataset that shuffles with
   * a seed has the order of this pass. It cannot return to the order of a pass that has already begun.
   *
   * @throws HooklineError `HKL_DATA_STATE` for what {@link BatchSource.misfit} finds, and what the source itself
   * raises; nothing is changed then
   */
  restore(state: BatchSourceState): void {
    const fault = this.misfit(state);
    if (fault !== undefined) throw misplaced(fault);
    this.#taken = undefined;
    if (this.#data === unreadData) {
      this.#kept = state;
      return;
    }
    if (JSON.stringify(state) === JSON.stringify(this.state())) return;
    if (this.#keepsPass() && state.epoch === this.#epoch && state.batches >= this.#batches + this.#skip) {
      // The current pass will reach that position.
      this.#skip = state.batches - this.#batches;
      return;
    }
    const resumable = this.#resumable();
    this.#leave();
    resumable?.restore(state.source);
    this.#epoch = state.epoch;
    this.#batches = resumable === undefined ? 0 : state.batches;
    this.#skip = resumable === undefined ? state.batches : 0;
  }

  /** Returns, in one sentence, why a state cannot be restored; undefined when no obstacle is known. */
  misfit(state: unknown): string | undefined {
    const { data, error } = batchSourceState.safeParse(state);
    if (data === undefined)
      return error.issues.map(({ path, message }) => `field "${path.join('.')}": ${message}`).join('; ');
    if (this.#data === unreadData) return undefined;
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

  /**
   * The number of batches in one pass over the data, of which the last may be shared with the next pass; undefined when
   * unknown.
   */
  get epochLength(): number | undefined {
    if (typeof this.#data === 'function') return undefined;
    const { epochLength, length, size } = this.#data as {
      readonly epochLength?: unknown;
      readonly length?: unknown;
      readonly size?: unknown;
    };
    const batches = epochLength ?? length ?? size;
    return typeof batches === 'number' && batches > 0 && Number.isFinite(batches) ? batches : undefined;
  }

  /** Returns {@link ResumableData.fingerprint}, or, for plain data, the number of batches if it is known. */
  fingerprint(): DataFingerprint {
    const own = this.#resumable()?.fingerprint?.();
    if (own !== undefined) return own;
    const { length, size } = this.#data as { readonly length?: unknown; readonly size?: unknown };
    const batches = typeof this.#data === 'function' ? undefined : (length ?? size);
    return typeof batches === 'number' ? { batches } : {};
  }

  /** Lets the source free its resources. The next batch is the same as it would have been without this call. */
  async close(): Promise<void> {
    if (this.#isWarm) await this.#closeData();
    this.#isWarm = false;
    // An iterator of `tf.data` holds nothing to free. A new one would have another order, and a bare iterator cannot
    // start again.
    if (!this.#keepsPass()) await this.#drop();
  }

  /** Whether the current pass continues after `close`: an iterator of `tf.data` does, because it cannot be closed. */
  #keepsPass(): boolean {
    return this.#iterator !== undefined && (isDataset(this.#data) || isBareIterator(this.#data));
  }

  /** Leaves the current pass. An error on closing the data is logged and does not delay the next pass. */
  #leave(): void {
    this.#drop().catch((cause: unknown) =>
      this.#log?.(
        `the data that were left could not be closed: ${describeCause(cause)}; the next batch is not affected`,
      ),
    );
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
      // A generator returns only once its awaited promise settles; closing the source releases that promise.
      const closed = this.#closeData();
      void Promise.resolve(iterator?.return?.()).catch(() => undefined);
      await closed;
      return;
    }
    await iterator?.return?.();
  }

  async #closeData(): Promise<void> {
    const { close } = this.#data as { readonly close?: unknown };
    if (typeof close === 'function') await close.call(this.#data);
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
    this.#isWarm = false;
    const passesBefore = isDataset(this.#data) ? Math.max(0, this.#epoch - this.#begun) : 0;
    let made: unknown;
    const data = this.#data;
    const iterable = openData(typeof data === 'function' ? () => this.#share((made = data())) : data, passesBefore);
    if (iterable === undefined) throw invalidDataError(made, 'what the data function returned');
    this.#begun += passesBefore + 1;
    this.#iterable = iterable;
    this.#iterator = Array.isArray(iterable) ? this.#openArray(iterable) : iteratorOf(iterable);
    return this.#iterator;
  }

  /**
   * Shares the data among the ranks. Data that cannot be shared must already be each rank's own; a log line says so
   * once.
   */
  #share<T>(data: T): T {
    if (shareData(data, this.#ranks, 'rows') || this.#hasLogged) return data;
    this.#hasLogged = true;
    this.#log?.(
      'these data cannot be shared by the ranks: each takes all that it is given, so give each its part (communicator().rank), or write shareAmong()',
    );
    return data;
  }

  /** Opens an array directly at the position, without skipping batches one by one. */
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

/** Whether the iterator cannot start again: an exhausted generator or `tf.data` iterator stays exhausted. */
const isOneShot = (data: unknown, iterator: unknown): boolean => data === iterator || isBareIterator(data);

function checkedData(data: unknown): DataSource {
  if (typeof data === 'function' || openData(data as DataSource) !== undefined) return data as DataSource;
  throw invalidDataError(data, 'the data');
}
