import type { Span } from './tap-times.ts';

/** Collects spans as Chrome trace events, up to a limit. */
export class Trace {
  readonly #limit: number;
  readonly #events: object[] = [];
  readonly #threads = new Map<string, number>();
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of spans beyond the limit. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a span of an iteration to a row of the trace. */
  add(row: string, { owner, part, start, duration }: Span, iteration: number): void {
    if (this.#events.length >= this.#limit) {
      this.#dropped++;
      return;
    }
    this.#events.push({
      name: owner === row ? part : `${owner} · ${part}`,
      cat: part,
      ph: 'X',
      ts: Math.round(start * 1000 * 1000) / 1000,
      dur: Math.round(duration * 1000 * 1000) / 1000,
      pid: 1,
      tid: this.#thread(row),
      args: { iteration },
    });
  }

  /** The file's content, to be opened with Perfetto or chrome://tracing; times in microseconds. */
  toJson(): string {
    const names = [...this.#threads].map(([name, tid]) => ({
      name: 'thread_name',
      ph: 'M',
      pid: 1,
      tid,
      args: { name },
    }));
    const process = { name: 'process_name', ph: 'M', pid: 1, args: { name: 'hookline' } };
    return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [process, ...names, ...this.#events] });
  }

  #thread(row: string): number {
    let thread = this.#threads.get(row);
    if (thread === undefined) this.#threads.set(row, (thread = this.#threads.size + 1));
    return thread;
  }
}
