import { formatDuration } from '@hookline/core';

/** The parts of one batch's time. */
export type InferencePart = 'data' | 'compute' | 'evaluate';

const PARTS: readonly InferencePart[] = ['data', 'compute', 'evaluate'];
/** Number of warm-up batches at the start, which the averages exclude. */
const WARMUP = 5;
/** Seconds between two progress lines. */
const INTERVAL = 5;
/** Seconds per batch from which a progress line is logged at once. */
const SLOW = 5;

/** Measures an inference and formats its progress. */
export class InferenceClock {
  readonly #total: number | undefined;
  readonly #warmup: number;
  readonly #now: () => number;
  #seconds = { data: 0, compute: 0, evaluate: 0 };
  #start: number;
  #last: number;
  #lastLine = -Infinity;
  #batches = 0;

  /**
   * @param total number of batches, if known
   * @param now a clock in seconds with an arbitrary origin
   */
  constructor(total: number | undefined, now: () => number) {
    this.#total = total;
    this.#warmup = total === undefined ? WARMUP : Math.max(0, Math.min(WARMUP, total - 1));
    this.#now = now;
    this.#start = now();
    this.#last = this.#start;
  }

  /** Attributes the time since the last call to `part`. */
  lap(part: InferencePart): void {
    const now = this.#now();
    this.#seconds[part] += now - this.#last;
    this.#last = now;
  }

  /** Marks a batch as done. @returns a progress line, if one is due */
  batchDone(): string | undefined {
    this.#batches++;
    if (this.#batches === this.#warmup) {
      this.#seconds = { data: 0, compute: 0, evaluate: 0 };
      this.#start = this.#last;
      return undefined;
    }
    const measured = this.#measured;
    if (measured <= 0) return undefined;
    const isDue = this.#batches > 2 * this.#warmup || this.#seconds.compute / measured > SLOW;
    if (!isDue || this.#last - this.#lastLine < INTERVAL) return undefined;
    this.#lastLine = this.#last;
    return this.#progress(measured);
  }

  /** The two lines at the end; none if every batch was a warm-up batch. */
  summary(): readonly string[] {
    const measured = this.#measured;
    if (measured <= 0) return [];
    const all = this.#last - this.#start;
    const { compute } = this.#seconds;
    const line = (what: string, seconds: number): string =>
      `${what}: ${formatDuration(seconds)} (${(seconds / measured).toFixed(6)} s / iter per device, on 1 device)`;
    return [line('Total inference time', all), line('Total inference pure compute time', compute)];
  }

  get #measured(): number {
    return this.#batches < this.#warmup ? 0 : this.#batches - this.#warmup;
  }

  #progress(measured: number): string {
    const per = (seconds: number): string => `${(seconds / measured).toFixed(4)} s/iter`;
    const all = this.#last - this.#start;
    const parts = PARTS.map((part) => `${part}: ${per(this.#seconds[part])}`).join(', ');
    const done = this.#total === undefined ? `${this.#batches}` : `${this.#batches}/${this.#total}`;
    const left = this.#total === undefined ? undefined : (all / measured) * (this.#total - this.#batches);
    return `Inference done ${done}. ${parts}, total: ${per(all)}${left === undefined ? '' : `, ETA: ${formatDuration(left)}`}`;
  }
}
