import { HooklineError } from '../errors.ts';

/** One value of a scalar and the iteration it belongs to. */
export interface ScalarSample {
  readonly value: number;
  readonly iteration: number;
}

/** The state of a history, as plain numbers. */
export interface HistoryState {
  /** Values put so far, those no longer kept included. */
  readonly count: number;
  /** Mean over all of them. */
  readonly mean: number;
  /** The newest values, oldest first. */
  readonly values: readonly number[];
  /** Their iterations. */
  readonly iterations: readonly number[];
}

const FIRST_CAPACITY = 64;

/** The values of one scalar with their iterations: the newest `limit` are kept, the mean is over all there ever were. */
export class HistoryBuffer {
  readonly limit: number;
  #values: Float64Array;
  #iterations: Float64Array;
  /** Number of the value in slot 0 on the first way round. */
  #base = 0;
  #count = 0;
  #mean = 0;

  /** @param limit how many values are kept, the oldest go first; memory grows with use, 16 bytes per value */
  constructor(limit = 1_000_000) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new HooklineError('HKL_HISTORY_LIMIT', `a history cannot keep ${limit} values`, {
        fix: 'Give an integer of at least 1',
      });
    }
    this.limit = limit;
    this.#values = new Float64Array(Math.min(limit, FIRST_CAPACITY));
    this.#iterations = new Float64Array(this.#values.length);
  }

  /** How many values have been put, those no longer kept included. */
  get count(): number {
    return this.#count;
  }

  /** How many values are kept. */
  get length(): number {
    return Math.min(this.#count - this.#base, this.limit);
  }

  /** Adds a value; its iteration defaults to the number of values before it. */
  put(value: number, iteration: number = this.#count): void {
    let slot = this.#count - this.#base;
    if (slot >= this.#values.length) {
      if (this.#values.length < this.limit) this.#grow();
      slot %= this.#values.length;
    }
    this.#values[slot] = value;
    this.#iterations[slot] = iteration;
    this.#count++;
    this.#mean += (value - this.#mean) / this.#count;
  }

  /** The newest value. @throws HKL_HISTORY_EMPTY */
  latest(): number {
    return this.#sample(this.#count - 1).value;
  }

  /** The newest value with its iteration. @throws HKL_HISTORY_EMPTY */
  latestSample(): ScalarSample {
    return this.#sample(this.#count - 1);
  }

  /**
   * Median of the newest `window` values: the mean of the two middle ones where their number is even, NaN where any
   * value is NaN.
   */
  median(window: number = this.limit): number {
    return this.medianBetween(this.#count - this.#windowLength(window), this.#count);
  }

  /** Mean of the newest `window` values. */
  mean(window: number = this.limit): number {
    const length = this.#windowLength(window);
    let sum = 0;
    for (let i = this.#count - length; i < this.#count; i++) sum += this.valueAt(i);
    return sum / length;
  }

  /** Mean of all values ever put. */
  globalMean(): number {
    this.#windowLength(1);
    return this.#mean;
  }

  /** The kept values with their iterations, oldest first. */
  values(): ScalarSample[] {
    return Array.from({ length: this.length }, (_, i) => this.#sample(this.#count - this.length + i));
  }

  /**
   * How many values, from the newest (or from number `end` - 1) backwards, belong to the last `window` iterations: those
   * with an iteration above that of the first one looked at minus `window`, up to the first that is older.
   */
  countSamples(window: number, end: number = this.#count): number {
    const first = this.#count - this.length;
    const oldest = this.iterationAt(end - 1) - window;
    let index = end - 1;
    while (index >= first && this.iterationAt(index) > oldest) index--;
    return end - 1 - index;
  }

  /** Value number `index`, counted from the first ever put; NaN if it is not kept. */
  valueAt(index: number): number {
    return this.#isKept(index) ? (this.#values[this.#slot(index)] ?? Number.NaN) : Number.NaN;
  }

  /** Iteration of value number `index`; NaN if it is not kept. */
  iterationAt(index: number): number {
    return this.#isKept(index) ? (this.#iterations[this.#slot(index)] ?? Number.NaN) : Number.NaN;
  }

  /** Median of those of the values number `start` to `end` - 1 that are kept. */
  medianBetween(start: number, end: number): number {
    const from = Math.max(start, this.#count - this.length);
    const sorted = new Float64Array(Math.max(0, end - from));
    for (let i = from; i < end; i++) sorted[i - from] = this.valueAt(i);
    sorted.sort();
    // Sorting puts NaN last, so one look tells whether there is any.
    if (sorted.length === 0 || Number.isNaN(sorted[sorted.length - 1])) return Number.NaN;
    const upper = sorted[sorted.length >> 1] ?? Number.NaN;
    return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? Number.NaN) + upper) / 2;
  }

  /** The state of the history, with its newest `window` values. */
  state(window: number = this.limit): HistoryState {
    const samples = this.values().slice(Math.max(0, this.length - window));
    return {
      count: this.#count,
      mean: this.#mean,
      values: samples.map(({ value }) => value),
      iterations: samples.map(({ iteration }) => iteration),
    };
  }

  /** Replaces all values with those of a state. */
  restore({ count, mean, values, iterations }: HistoryState): void {
    const kept = Math.min(values.length, this.limit);
    this.#values = Float64Array.from(values.slice(values.length - kept));
    this.#iterations = Float64Array.from(iterations.slice(values.length - kept));
    this.#base = count - kept;
    this.#count = count;
    this.#mean = mean;
  }

  #grow(): void {
    const capacity = Math.min(this.limit, Math.max(FIRST_CAPACITY, this.#values.length * 2));
    const [values, iterations] = [this.#values, this.#iterations];
    this.#values = new Float64Array(capacity);
    this.#iterations = new Float64Array(capacity);
    this.#values.set(values);
    this.#iterations.set(iterations);
  }

  #slot(index: number): number {
    return (index - this.#base) % this.#values.length;
  }

  #isKept(index: number): boolean {
    return index < this.#count && index >= this.#count - this.length;
  }

  #sample(index: number): ScalarSample {
    this.#windowLength(1);
    return { value: this.valueAt(index), iteration: this.iterationAt(index) };
  }

  #windowLength(window: number): number {
    if (this.#count === this.#base) {
      throw new HooklineError('HKL_HISTORY_EMPTY', 'the history holds no value', { fix: 'Put a value first' });
    }
    return Math.min(Math.max(0, window), this.length);
  }
}
