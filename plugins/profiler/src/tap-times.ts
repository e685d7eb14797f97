/** Total time of one kind of span: a plugin's taps of a hook, or a part of the step. */
export interface SpanTotal {
  readonly owner: string;
  readonly part: string;
  calls: number;
  /** Milliseconds, excluding nested spans. */
  self: number;
}

/** A finished span. */
export interface Span {
  readonly owner: string;
  readonly part: string;
  /** Milliseconds. */
  readonly start: number;
  readonly duration: number;
}

interface OpenSpan {
  readonly total: SpanTotal;
  readonly start: number;
  within: number;
}

/** Sums nested spans by owner and part, and passes each span on when it ends. */
export class TapTimes {
  readonly #now: () => number;
  readonly #onSpan: (span: Span) => void;
  readonly #totals = new Map<string, Map<string, SpanTotal>>();
  #open: OpenSpan[] = [];

  /** @param now a monotonic clock in milliseconds */
  constructor(onSpan: (span: Span) => void, now: () => number = () => performance.now()) {
    this.#onSpan = onSpan;
    this.#now = now;
  }

  get totals(): readonly SpanTotal[] {
    return [...this.#totals.values()].flatMap((parts) => [...parts.values()].filter(({ calls }) => calls > 0));
  }

  enter(owner: string, part: string): void {
    this.#open.push({ total: this.#total(owner, part), start: this.#now(), within: 0 });
  }

  /** Ends the innermost open span of that kind; a span that was entered before the measurement is ignored. */
  leave(owner: string, part: string): void {
    const end = this.#now();
    const index = this.#open.findLastIndex(({ total }) => total.owner === owner && total.part === part);
    const span = this.#open[index];
    if (span === undefined) return;
    this.#open.splice(index, 1);
    const duration = end - span.start;
    span.total.calls++;
    span.total.self += Math.max(0, duration - span.within);
    const outer = this.#open[index - 1];
    if (outer !== undefined) outer.within += duration;
    this.#onSpan({ owner, part, start: span.start, duration });
  }

  /** Drops the innermost open span if it is of that kind. */
  discard(owner: string, part: string): void {
    const span = this.#open.at(-1);
    if (span?.total.owner === owner && span.total.part === part) this.#open.pop();
  }

  /** Drops all open spans, at the end of the measurement. */
  abandon(): void {
    this.#open = [];
  }

  #total(owner: string, part: string): SpanTotal {
    let parts = this.#totals.get(owner);
    if (parts === undefined) this.#totals.set(owner, (parts = new Map<string, SpanTotal>()));
    let total = parts.get(part);
    if (total === undefined) parts.set(part, (total = { owner, part, calls: 0, self: 0 }));
    return total;
  }
}
