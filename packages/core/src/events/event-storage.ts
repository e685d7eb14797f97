import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import { isThenable } from '../thenable.ts';
import { makeHistogram, type HistogramCounts, type HistogramEvent } from './histogram.ts';
import type { HistoryBuffer, ScalarSample } from './history-buffer.ts';
import { makeImage, type ImageEvent, type ImageInput } from './image.ts';
import type { LazyScalar } from './lazy-scalar.ts';
import { MediaQueue } from './media-queue.ts';
import { NameScopes, overlapError } from './name-scopes.ts';
import { ScalarTable } from './scalar-table.ts';
import { StorageReader } from './storage-reader.ts';
import { checkedHistories, STATE_WINDOW, type EventStorageState } from './storage-state.ts';

/** Options of an {@link EventStorage}. */
export interface EventStorageOptions {
  /** Iteration to begin at; 0 by default. */
  readonly iteration?: number | undefined;
  /** Values kept per scalar; 1,000,000 by default. */
  readonly historyLimit?: number | undefined;
  /** Lazy scalars that may be unread at a time before the oldest are read; 1,000 by default. */
  readonly pendingLimit?: number | undefined;
  /** Bytes of images, and as many of histograms, that wait for readers; 64 MiB by default. */
  readonly mediaBytes?: number | undefined;
}

/** Options of putting an image or a histogram. */
export interface PutOptions {
  /** Iteration it belongs to; by default that of the storage. */
  readonly iteration?: number | undefined;
}

/** Options of putting a scalar. */
export interface PutScalarOptions extends PutOptions {
  /** Whether it should be shown as a windowed median; true by default. The same for every value of a scalar. */
  readonly smoothing?: boolean | undefined;
}

/** A scope that is open until disposed. */
export interface OpenScope extends Disposable {
  /** What names are prefixed with, ending in a slash. */
  readonly prefix: string;
}

/**
 * Stores what happens during training, by name and iteration: scalars with their histories, images and histograms.
 *
 * Values stay lazy until somebody asks. Every accessor by name takes full names, whatever scope is open, and raises
 * HKL_SCALAR_PENDING when a lazy scalar's value is still on its way (`await storage.resolve()` first) and
 * HKL_SCALAR_UNREADABLE once for each that could not be read, whose value is lost.
 */
export class EventStorage {
  readonly #scopes = new NameScopes();
  readonly #scalars: ScalarTable;
  readonly #images: MediaQueue<ImageEvent>;
  readonly #histograms: MediaQueue<HistogramEvent>;
  readonly #readers = new Set<StorageReader>();
  #iteration = 0;
  #restores = 0;

  constructor(options: EventStorageOptions = {}) {
    const { iteration = 0, historyLimit = 1_000_000, pendingLimit = 1000, mediaBytes = 64 * 2 ** 20 } = options;
    this.iteration = iteration;
    this.#scalars = new ScalarTable(historyLimit, pendingLimit);
    this.#images = new MediaQueue(mediaBytes);
    this.#histograms = new MediaQueue(mediaBytes);
  }

  /** The iteration of values that are put without one. The engine sets it before every step. */
  get iteration(): number {
    return this.#iteration;
  }

  set iteration(iteration: number) {
    if (!Number.isInteger(iteration)) {
      throw new HooklineError('HKL_STORAGE_ITERATION', `${iteration} is no iteration`, {
        who: 'event storage',
        fix: 'Set an integer',
      });
    }
    this.#iteration = iteration;
  }

  /**
   * Adds a value of a scalar, as a number or as a lazy scalar, which the storage then owns.
   * @throws HKL_SMOOTHING_CHANGED when `smoothing` is not what it was for this scalar, HKL_EVENT_NAME,
   *   HKL_SCALAR_INVALID; nothing is stored then
   */
  putScalar(name: string, value: number | LazyScalar, options?: PutScalarOptions): void {
    this.#scalars.put(
      this.#scopes.current,
      name,
      value,
      options?.smoothing ?? true,
      options?.iteration ?? this.#iteration,
    );
  }

  /** `putScalar` for each entry; when some are refused the others are stored, and the first refusal is raised. */
  putScalars(values: Readonly<Record<string, number | LazyScalar>>, options?: PutScalarOptions): void {
    let refusal: { readonly error: unknown } | undefined;
    for (const name of Object.keys(values)) {
      try {
        this.putScalar(name, values[name] as number | LazyScalar, options);
      } catch (error) {
        refusal ??= { error };
      }
    }
    if (refusal !== undefined) throw refusal.error;
  }

  /** Adds an image, copied, for readers. @throws HKL_IMAGE when its data do not fit its shape */
  putImage(name: string, image: ImageInput, options?: PutOptions): void {
    const event = makeImage(this.#scopes.fullName(name), image, options?.iteration ?? this.#iteration);
    this.#images.push(event, event.data.byteLength);
  }

  /**
   * Adds the histogram of some numbers, for readers; see `makeHistogram`.
   *
   * @param values the numbers, or what was counted of them elsewhere, such as on the device
   * @param options.bins how many buckets numbers are counted in; 1000 by default
   */
  putHistogram(
    name: string,
    values: ArrayLike<number> | HistogramCounts,
    options?: PutOptions & { readonly bins?: number },
  ): void {
    const iteration = options?.iteration ?? this.#iteration;
    const fullName = this.#scopes.fullName(name);
    const event =
      'bucketCounts' in values
        ? { ...values, name: fullName, iteration }
        : makeHistogram(fullName, values, iteration, options?.bins ?? 1000);
    this.#histograms.push(event, event.bucketCounts.byteLength * 2);
  }

  /**
   * Runs `fn`; everything that anybody puts meanwhile gets `name/` before its name. Scopes nest. For an asynchronous
   * `fn` the scope ends when its promise settles. It ends on errors too.
   *
   * @throws HKL_SCOPE_OVERLAP when a scope opened meanwhile is still open at the end, as two asynchronous ones running
   * side by side do
   */
  nameScope<T>(name: string, fn: () => T): T {
    const entered = this.#scopes.enter(name);
    let result: T;
    try {
      result = fn();
    } catch (error) {
      this.#scopes.leave(entered);
      throw error;
    }
    if (isThenable(result)) return this.#leaveLater(result, entered) as T;
    if (!this.#scopes.leave(entered)) throw overlapError(entered.scope.prefix);
    return result;
  }

  /** `nameScope` without a function: the scope is open until disposed, `using scope = storage.scope('eval')`. */
  scope(name: string): OpenScope {
    const entered = this.#scopes.enter(name);
    return {
      prefix: entered.scope.prefix,
      [Symbol.dispose]: () => {
        if (!this.#scopes.leave(entered)) throw overlapError(entered.scope.prefix);
      },
    };
  }

  /** Names of all scalars, in the order of their first appearance. Reads nothing. */
  names(): string[] {
    return this.#scalars.known().map((series) => series.name);
  }

  /** The history of a scalar as of now. @throws HKL_UNKNOWN_SCALAR */
  history(name: string): HistoryBuffer {
    const series = this.#scalars.get(name);
    if (series === undefined) {
      throw new HooklineError('HKL_UNKNOWN_SCALAR', `there is no scalar "${name}"`, {
        who: 'event storage',
        where: `iteration ${this.#iteration}`,
        fix: didYouMean(name, this.names()),
      });
    }
    this.#scalars.readNow([series]);
    return series.history;
  }

  /** All histories as of now, by name. */
  histories(): ReadonlyMap<string, HistoryBuffer> {
    return new Map(this.#scalars.readNow().map((series) => [series.name, series.history]));
  }

  /** The value put last for each scalar, with its iteration. */
  latest(): ReadonlyMap<string, ScalarSample> {
    return new Map(this.#scalars.readNow().map(({ name, history }) => [name, history.latestSample()]));
  }

  /** As `latest`, with the median over the last `window` iterations for scalars that are to be smoothed. */
  latestWithSmoothingHint(window = 20): ReadonlyMap<string, ScalarSample> {
    return new Map(
      this.#scalars.readNow().map(({ name, history, smoothing }) => {
        const { value, iteration } = history.latestSample();
        return [name, { iteration, value: smoothing ? history.median(history.countSamples(window)) : value }];
      }),
    );
  }

  /** For each scalar, whether it is to be smoothed. Reads nothing. */
  smoothingHints(): ReadonlyMap<string, boolean> {
    return new Map(this.#scalars.known().map(({ name, smoothing }) => [name, smoothing ?? true]));
  }

  /** How many of the newest values of a scalar belong to its last `window` iterations. @throws HKL_UNKNOWN_SCALAR */
  countSamples(name: string, window = 20): number {
    return this.history(name).countSamples(window);
  }

  /** Reads everything pending, at once as far as possible. A promise only when something is on its way. */
  resolve(): void | Promise<void> {
    return this.#scalars.resolve();
  }

  /** A reader that gets everything that is put, each item once. Any number of readers work independently. */
  reader(): StorageReader {
    const reader = new StorageReader({
      images: this.#images,
      histograms: this.#histograms,
      seriesWithAllRead: () => this.#scalars.readNow(),
      knownSeries: () => this.#scalars.known(),
      restores: () => this.#restores,
      readerMoved: (closed) => this.#forgetRead(closed),
    });
    this.#readers.add(reader);
    return reader;
  }

  /** The histories, by default what resuming needs: the newest 1,000 values of each scalar. */
  state(window: number = STATE_WINDOW): EventStorageState {
    const entries = this.#scalars
      .readNow()
      .map(({ name, smoothing, history }) => [name, { smoothing: smoothing ?? true, ...history.state(window) }]);
    return { scalars: Object.fromEntries(entries) as EventStorageState['scalars'] };
  }

  /**
   * Replaces all scalars with the histories of a state. Readers get only what is put afterwards.
   * @throws HKL_STORAGE_STATE when `state` is not what `state()` gave; nothing is changed then
   */
  restore(state: EventStorageState): void {
    this.#scalars.restore(checkedHistories(state));
    this.#restores++;
  }

  /** Disposes the lazy scalars that nobody has read; their values are lost. The storage stays usable. */
  discardPending(): void {
    this.#scalars.discard();
  }

  async #leaveLater<T>(result: PromiseLike<T>, entered: ReturnType<NameScopes['enter']>): Promise<T> {
    let value: T;
    try {
      value = await result;
    } catch (error) {
      this.#scopes.leave(entered);
      throw error;
    }
    if (!this.#scopes.leave(entered)) throw overlapError(entered.scope.prefix);
    return value;
  }

  #forgetRead(closed: StorageReader | undefined): void {
    if (closed !== undefined) this.#readers.delete(closed);
    if (this.#readers.size === 0) return;
    const readers = [...this.#readers];
    this.#images.trim(Math.min(...readers.map((reader) => reader.imageCursor)));
    this.#histograms.trim(Math.min(...readers.map((reader) => reader.histogramCursor)));
  }
}
