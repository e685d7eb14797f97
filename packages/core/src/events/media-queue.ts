/** Events that are handed to several readers in turn: the oldest go once everybody has them, or when memory is short. */
export class MediaQueue<T> {
  readonly #byteLimit: number;
  readonly #items: { readonly event: T; readonly bytes: number }[] = [];
  #first = 0;
  #bytes = 0;

  /** @param byteLimit beyond it the oldest go, unread; the newest always stays */
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
