import { isThenable } from '../thenable.ts';

/**
 * A scalar that is still somewhere slow, such as on the device, and is read only when somebody asks for its value.
 *
 * The storage owns what is put into it: it reads the scalar at most once and disposes it exactly once, also when
 * reading fails, when the storage refuses it, and when the same object was put under several names.
 */
export interface LazyScalar {
  /** Returns the value, or a promise of it. Called at most once. */
  read(): number | Promise<number>;
  /** Frees what holds the value. Called exactly once, after `read` or when the value is not needed any more. */
  dispose?(): void;
}

/** How many lazy scalars of a storage have not begun to be read. */
export interface UnreadTally {
  unread: number;
}

// A property of the object costs a fraction of a weak map's entry, and every step puts some.
const slot = Symbol('hookline.pending');
/** For frozen objects, to which no property can be added. */
const untouchable = new WeakMap<LazyScalar, PendingScalar>();

type TrackedScalar = LazyScalar & { [slot]?: PendingScalar };

/** A lazy scalar whose value is pending; the same object for all names under which the lazy scalar was put. */
export class PendingScalar {
  readonly #tally: UnreadTally;
  #lazy: LazyScalar | undefined;
  #started = false;
  #settled = false;
  #value = Number.NaN;
  #failure: { readonly cause: unknown } | undefined;
  #reading: Promise<void> | undefined;

  /** The pending scalar of a lazy one; the same one each time, also after it was read. */
  static of(lazy: TrackedScalar, tally: UnreadTally): PendingScalar {
    const known = lazy[slot] ?? untouchable.get(lazy);
    if (known !== undefined) return known;
    const pending = new PendingScalar(lazy, tally);
    if (Object.isExtensible(lazy)) lazy[slot] = pending;
    else untouchable.set(lazy, pending);
    return pending;
  }

  /** Whether a storage owns the lazy scalar already. */
  static has(lazy: TrackedScalar): boolean {
    return lazy[slot] !== undefined || untouchable.has(lazy);
  }

  private constructor(lazy: LazyScalar, tally: UnreadTally) {
    this.#lazy = lazy;
    this.#tally = tally;
    tally.unread++;
  }

  get started(): boolean {
    return this.#started;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The value, once settled; NaN when there is none. */
  get value(): number {
    return this.#value;
  }

  /** What reading or disposing threw, if it did. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** Begins to read, unless that has happened. Returns a promise, which never rejects, while the value is pending. */
  start(): Promise<void> | undefined {
    if (this.#lazy !== undefined && !this.#started) {
      this.#leaveUnread();
      try {
        const value = this.#lazy.read();
        if (isThenable(value)) this.#reading = this.#wait(value);
        else this.#arrive(value);
      } catch (cause) {
        this.#fail(cause);
      }
    }
    return this.#reading;
  }

  /** Drops the value. A value that is being read is still disposed of when it arrives. */
  discard(): void {
    if (this.#started) return;
    this.#leaveUnread();
    this.#finish();
  }

  #leaveUnread(): void {
    this.#started = true;
    this.#tally.unread--;
  }

  async #wait(value: PromiseLike<number>): Promise<void> {
    try {
      this.#arrive(await value);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #arrive(value: unknown): void {
    if (typeof value !== 'number') {
      this.#fail(new TypeError(`read() gave ${value === null ? 'null' : typeof value} instead of a number`));
      return;
    }
    this.#value = value;
    this.#finish();
  }

  #fail(cause: unknown): void {
    this.#failure = { cause };
    this.#finish();
  }

  #finish(): void {
    this.#settled = true;
    this.#reading = undefined;
    const lazy = this.#lazy;
    this.#lazy = undefined;
    try {
      lazy?.dispose?.();
    } catch (cause) {
      this.#failure ??= { cause };
    }
  }
}
