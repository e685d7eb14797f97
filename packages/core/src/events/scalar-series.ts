import { describeCause, HooklineError } from '../errors.ts';
import { HistoryBuffer } from './history-buffer.ts';
import type { PendingScalar } from './lazy-scalar.ts';

/** A value that has not entered the history yet: a lazy one, or a number that was put after a lazy one. */
interface QueuedValue {
  readonly pending: PendingScalar | undefined;
  readonly value: number;
  readonly iteration: number;
  readonly sequence: number;
}

/** All values of one name: the history, and after it a queue of values that wait for a lazy scalar. */
export class ScalarSeries {
  readonly name: string;
  readonly history: HistoryBuffer;
  /** Whether readers should show a windowed median; undefined until the first value is put. */
  smoothing: boolean | undefined;
  /** Number of the first value that readers get: what a restore brought is not reported again. */
  reportFrom = 0;
  #queue: QueuedValue[] = [];
  /** Index of the first value in the queue that has not entered the history. */
  #head = 0;
  /** Values of the queue before this one have begun to be read. */
  #firstUnread = 0;

  constructor(name: string, limit: number) {
    this.name = name;
    this.history = new HistoryBuffer(limit);
  }

  /** True once a value was put, also one that is still pending. */
  get known(): boolean {
    return this.smoothing !== undefined;
  }

  /** Values put so far, pending ones included. */
  get count(): number {
    return this.history.count + this.#waiting;
  }

  put(value: number, iteration: number): void {
    // A number behind a lazy one waits for it, so that the history keeps the order in which values were put.
    if (this.#waiting === 0) this.history.put(value, iteration);
    else this.#queue.push({ pending: undefined, value, iteration, sequence: Infinity });
  }

  putPending(pending: PendingScalar, iteration: number, sequence: number): void {
    this.#queue.push({ pending, value: Number.NaN, iteration, sequence });
  }

  /** Sequence number of the oldest lazy scalar that has not begun to be read; Infinity when there is none. */
  oldestUnread(): number {
    for (; this.#firstUnread < this.#queue.length; this.#firstUnread++) {
      const queued = this.#queue[this.#firstUnread];
      if (queued?.pending?.started === false) return queued.sequence;
    }
    return Infinity;
  }

  startOldest(): void {
    // Its promise never rejects; `flush` tells of failures.
    if (this.oldestUnread() < Infinity) void this.#queue[this.#firstUnread]?.pending?.start();
  }

  /** Begins to read everything; adds the promises of values that are not there yet to `waiting`. */
  startAll(waiting: Promise<void>[]): void {
    for (let i = this.#head; i < this.#queue.length; i++) {
      const reading = this.#queue[i]?.pending?.start();
      if (reading !== undefined) waiting.push(reading);
    }
    this.#firstUnread = this.#queue.length;
  }

  /**
   * Moves values into the history, up to the first one that is still pending; adds the errors of values that could not
   * be read to `failures`.
   */
  flush(failures: HooklineError[]): void {
    while (this.#head < this.#queue.length) {
      const { pending, value, iteration } = this.#queue[this.#head] as QueuedValue;
      if (pending !== undefined && !pending.settled) break;
      this.#head++;
      if (pending?.failure === undefined) this.history.put(pending?.value ?? value, iteration);
      else failures.push(this.#failed(iteration, pending.failure.cause));
    }
    // Cutting only when half is used up keeps the cost per value constant.
    if (this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#firstUnread = Math.max(0, this.#firstUnread - this.#head);
    this.#head = 0;
  }

  /**
   * Reads every value and moves it into the history, synchronously.
   * @throws HKL_SCALAR_PENDING when one is still on its way
   */
  readNow(failures: HooklineError[]): void {
    if (this.#waiting === 0) return;
    this.startAll([]);
    this.flush(failures);
    if (this.#waiting === 0) return;
    throw new HooklineError('HKL_SCALAR_PENDING', `the value of scalar "${this.name}" is still on its way`, {
      where: `put at iteration ${this.#queue[this.#head]?.iteration}`,
      fix: '`await storage.resolve()` first',
    });
  }

  /** Drops the pending values; adds what disposing them threw to `failures`. */
  discard(failures: HooklineError[]): void {
    for (const { pending, iteration } of this.#queue.slice(this.#head)) {
      pending?.discard();
      if (pending?.failure !== undefined) failures.push(this.#failed(iteration, pending.failure.cause));
    }
    this.#queue = [];
    this.#head = this.#firstUnread = 0;
  }

  /** Forgets everything, as if nothing had been put. */
  clear(failures: HooklineError[]): void {
    this.discard(failures);
    this.smoothing = undefined;
    this.reportFrom = 0;
    this.history.restore({ count: 0, mean: 0, values: [], iterations: [] });
  }

  get #waiting(): number {
    return this.#queue.length - this.#head;
  }

  #failed(iteration: number, cause: unknown): HooklineError {
    return new HooklineError(
      'HKL_SCALAR_UNREADABLE',
      `a lazy scalar could not be read or disposed: ${describeCause(cause)}`,
      {
        who: `scalar "${this.name}"`,
        where: `put at iteration ${iteration}`,
        fix: 'The cause below holds the original stack',
        cause,
      },
    );
  }
}
