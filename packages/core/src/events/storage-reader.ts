import type { HistogramEvent } from './histogram.ts';
import type { HistoryBuffer } from './history-buffer.ts';
import type { ImageEvent } from './image.ts';
import type { MediaQueue } from './media-queue.ts';
import type { ScalarSeries } from './scalar-series.ts';

/** One value of a scalar, as a reader gets it. */
export class ScalarEvent {
  readonly name: string;
  readonly value: number;
  readonly iteration: number;
  /** Whether whoever put it wants a windowed median shown rather than the value. */
  readonly smoothing: boolean;
  readonly #history: HistoryBuffer;
  readonly #number: number;

  constructor(series: ScalarSeries, number: number) {
    this.name = series.name;
    this.#history = series.history;
    this.#number = number;
    this.value = series.history.valueAt(number);
    this.iteration = series.history.iterationAt(number);
    this.smoothing = series.smoothing ?? true;
  }

  /**
   * The value as it should be shown. With `smoothing` that is the median of this value and those of the `window`
   * iterations up to it (default 20), else the value itself. Call it soon: the median is computed from the values that
   * the history still keeps.
   */
  smoothed(window = 20): number {
    if (!this.smoothing) return this.value;
    const end = this.#number + 1;
    return this.#history.medianBetween(end - this.#history.countSamples(window, end), end);
  }
}

/** What was put since a reader's last read. */
export interface ReaderBatch {
  /** By rising iteration; within one, names in the order of their first appearance, values in the order they were put. */
  readonly scalars: readonly ScalarEvent[];
  readonly images: readonly ImageEvent[];
  readonly histograms: readonly HistogramEvent[];
  /** Events that were gone before this reader came: the storage's memory is bounded. */
  readonly dropped: number;
}

/** What a reader sees of the storage. */
export interface ReaderSource {
  readonly images: MediaQueue<ImageEvent>;
  readonly histograms: MediaQueue<HistogramEvent>;
  /** Every series that holds something, after reading its pending values. */
  seriesWithAllRead(): Iterable<ScalarSeries>;
  knownSeries(): Iterable<ScalarSeries>;
  /** How often the storage has been restored; a restore invalidates all cursors. */
  restores(): number;
  /** Called after each read and on closing, so that the storage can drop what every reader has. */
  readerMoved(closed: StorageReader | undefined): void;
}

/** Reads what is put into a storage, from a position of its own: other readers are not affected. */
export class StorageReader {
  readonly #source: ReaderSource;
  readonly #cursors = new Map<ScalarSeries, number>();
  #restores: number;
  #imageCursor = 0;
  #histogramCursor = 0;

  /** Made by `storage.reader()`. */
  constructor(source: ReaderSource) {
    this.#source = source;
    this.#restores = source.restores();
  }

  get imageCursor(): number {
    return this.#imageCursor;
  }

  get histogramCursor(): number {
    return this.#histogramCursor;
  }

  /**
   * Everything that was put since the last read, at any iteration. The first read returns everything since the storage
   * was made, or since it was restored. Lazy scalars are read.
   *
   * @throws HKL_SCALAR_PENDING when a lazy scalar is on its way (then nothing counts as read; `await
   * storage.resolve()`), HKL_SCALAR_UNREADABLE when one could not be read
   */
  read(): ReaderBatch {
    this.#forgetBeforeRestore();
    const { images, histograms } = this.#source;
    const scalars: ScalarEvent[] = [];
    let dropped = 0;
    for (const series of this.#source.seriesWithAllRead()) {
      const { count, length } = series.history;
      const cursor = this.#cursorOf(series);
      const first = Math.max(cursor, count - length);
      dropped += first - cursor;
      for (let number = first; number < count; number++) scalars.push(new ScalarEvent(series, number));
      this.#cursors.set(series, count);
    }
    dropped += Math.max(0, images.first - this.#imageCursor) + Math.max(0, histograms.first - this.#histogramCursor);
    const batch = {
      scalars: scalars.sort((a, b) => a.iteration - b.iteration),
      images: images.from(this.#imageCursor),
      histograms: histograms.from(this.#histogramCursor),
      dropped,
    };
    this.#moveMedia();
    return batch;
  }

  /** Passes over everything put so far, without reading it. */
  skip(): void {
    this.#forgetBeforeRestore();
    for (const series of this.#source.knownSeries()) this.#cursors.set(series, series.count);
    this.#moveMedia();
  }

  /** Tells the storage that this reader reads no more. */
  close(): void {
    this.#source.readerMoved(this);
  }

  #cursorOf(series: ScalarSeries): number {
    return Math.min(this.#cursors.get(series) ?? series.reportFrom, series.history.count);
  }

  #forgetBeforeRestore(): void {
    if (this.#restores === this.#source.restores()) return;
    this.#cursors.clear();
    this.#restores = this.#source.restores();
  }

  #moveMedia(): void {
    this.#imageCursor = this.#source.images.end;
    this.#histogramCursor = this.#source.histograms.end;
    this.#source.readerMoved(undefined);
  }
}
