/**
 * A queue of events for several readers. The oldest events are dropped once every reader has them, or when memory is
 * short.
 */
export class MediaQueue<T> {
  readonly #byteLimit: number;
  readonly #items: { readonly event: T; readonly bytes: number }[] = [];
  #first = 0;
  #bytes = 0;

  /** @param byteLimit beyond it the oldest events are dropped unread; the newest one is always kept */
  constructor(byteLimit: number) {
    this.#byteLimit = byteLimit;
  }

  /** Number of the oldest event that is kept. */
  get first(): number {
    return this.#first;
  }

  /** Number that the next event gets. */
  get end(): number {
    return this.#first + this.#items.length;
  }

  push(event: T, bytes: number): void {
    this.#items.push({ event, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#byteLimit && this.#items.length > 1) this.trim(this.#first + 1);
  }

  /** The kept events from number `cursor` on. */
  from(cursor: number): T[] {
    return this.#items.slice(Math.max(0, cursor - this.#first)).map(({ event }) => event);
  }

  /** Drops the events before number `cursor`. */
  trim(cursor: number): void {
    for (; this.#first < cursor && this.#items.length > 0; this.#first++)
      this.#bytes -= this.#items.shift()?.bytes ?? 0;
  }
}
