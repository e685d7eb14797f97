import { HooklineError } from '../errors.ts';
import { type LazyScalar, PendingScalar, type UnreadTally } from './lazy-scalar.ts';
import { checkedName, type NameScope } from './name-scopes.ts';
import { ScalarSeries } from './scalar-series.ts';
import type { EventStorageState } from './storage-state.ts';

/** All scalars of a storage, with their lazy values that are still pending. */
export class ScalarTable {
  readonly #historyLimit: number;
  readonly #pendingLimit: number;
  readonly #byName = new Map<string, ScalarSeries>();
  readonly #tally: UnreadTally = { unread: 0 };
  #sequence = 0;

  constructor(historyLimit: number, pendingLimit: number) {
    if (!Number.isInteger(pendingLimit) || pendingLimit < 0) {
      throw new HooklineError('HKL_PENDING_LIMIT', `${pendingLimit} lazy scalars cannot be pending`, {
        who: 'event storage',
        fix: 'Give an integer of at least 0',
      });
    }
    this.#historyLimit = historyLimit;
    this.#pendingLimit = pendingLimit;
  }

  put(scope: NameScope, name: string, value: number | LazyScalar, smoothing: boolean, iteration: number): void {
    const series = scope.series.get(name) ?? this.#add(scope, name, value);
    if (series.smoothing !== smoothing) {
      if (series.smoothing !== undefined) this.#refuseHint(series, value, smoothing, iteration);
      if (typeof value !== 'number' && typeof (value as Partial<LazyScalar> | null)?.read !== 'function') {
        throw invalidValue(series.name, value, iteration);
      }
      series.smoothing = smoothing;
    }
    if (typeof value === 'number') series.put(value, iteration);
    else this.#putLazy(series, value, iteration);
  }

  get(name: string): ScalarSeries | undefined {
    const series = this.#byName.get(name);
    return series?.known === true ? series : undefined;
  }

  /** Every series that holds something, in the order of first appearance. */
  known(): ScalarSeries[] {
    return [...this.#byName.values()].filter((series) => series.known);
  }

  /** Reads all values of some series synchronously; returns the series that have any. */
  readNow(wanted: ScalarSeries[] = this.known()): ScalarSeries[] {
    const failures: HooklineError[] = [];
    try {
      for (const series of wanted) series.readNow(failures);
    } finally {
      raise(failures);
    }
    return wanted.filter((series) => series.history.length > 0);
  }

  resolve(): void | Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const series of this.#byName.values()) series.startAll(waiting);
    if (waiting.length > 0) return Promise.all(waiting).then(() => this.#flush());
    this.#flush();
  }

  restore({ scalars }: EventStorageState): void {
    const failures: HooklineError[] = [];
    for (const series of this.#byName.values()) series.clear(failures);
    for (const [name, { smoothing, ...history }] of Object.entries(scalars)) {
      const series = this.#open(name);
      series.smoothing = smoothing;
      series.history.restore(history);
      series.reportFrom = history.count;
    }
    raise(failures);
  }

  discard(): void {
    const failures: HooklineError[] = [];
    for (const series of this.#byName.values()) series.discard(failures);
    raise(failures);
  }

  #flush(): void {
    const failures: HooklineError[] = [];
    for (const series of this.#byName.values()) series.flush(failures);
    raise(failures);
  }

  #putLazy(series: ScalarSeries, lazy: LazyScalar, iteration: number): void {
    if (typeof (lazy as Partial<LazyScalar> | null)?.read !== 'function')
      throw invalidValue(series.name, lazy, iteration);
    const pending = PendingScalar.of(lazy, this.#tally);
    series.putPending(pending, iteration, this.#sequence++);
    if (this.#tally.unread > this.#pendingLimit) this.#readOldest();
  }

  #readOldest(): void {
    const failures: HooklineError[] = [];
    while (this.#tally.unread > this.#pendingLimit) {
      let oldest: ScalarSeries | undefined;
      let sequence = Infinity;
      for (const series of this.#byName.values()) {
        const candidate = series.oldestUnread();
        if (candidate < sequence) [oldest, sequence] = [series, candidate];
      }
      if (oldest === undefined) break;
      oldest.startOldest();
      oldest.flush(failures);
    }
    raise(failures);
  }

  #add(scope: NameScope, name: string, value: number | LazyScalar): ScalarSeries {
    let series: ScalarSeries;
    try {
      series = this.#open(scope.prefix + checkedName(name));
    } catch (error) {
      this.#dispose(value);
      throw error;
    }
    scope.series.set(name, series);
    return series;
  }

  #open(name: string): ScalarSeries {
    let series = this.#byName.get(name);
    if (series === undefined) this.#byName.set(name, (series = new ScalarSeries(name, this.#historyLimit)));
    return series;
  }

  #refuseHint(series: ScalarSeries, value: number | LazyScalar, smoothing: boolean, iteration: number): never {
    this.#dispose(value);
    throw new HooklineError('HKL_SMOOTHING_CHANGED', `it was put with smoothing ${!smoothing} before`, {
      who: `scalar "${series.name}"`,
      where: `put with smoothing ${smoothing} at iteration ${iteration}`,
      fix: 'Give the same smoothing for every value of a scalar, or another name',
    });
  }

  /** Frees a value that was refused, unless it is in the storage already under another name. */
  #dispose(value: number | LazyScalar): void {
    const lazy = typeof value === 'number' ? undefined : (value as LazyScalar | null | undefined);
    if (typeof lazy === 'object' && lazy !== null && !PendingScalar.has(lazy)) lazy.dispose?.();
  }
}

function invalidValue(name: string, value: unknown, iteration: number): HooklineError {
  const kind = value === null ? 'null' : typeof value;
  return new HooklineError('HKL_SCALAR_INVALID', `its value is of type ${kind}`, {
    who: `scalar "${name}"`,
    where: `put at iteration ${iteration}`,
    fix: 'Give a number, or an object with read()',
  });
}

function raise(failures: readonly HooklineError[]): void {
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  throw new HooklineError(
    'HKL_SCALAR_UNREADABLE',
    `${failures.length} lazy scalars failed; the first: ${first.message}`,
    {
      who: 'event storage',
      fix: 'The cause below holds all of them',
      cause: new AggregateError(failures),
    },
  );
}
