/** The last losses, with their median. */
export class LossWindow {
  readonly #size: number;
  #values: number[] = [];
  /** The same losses in ascending order, so that the median needs no sorting. */
  #sorted: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  /** NaN if there are no losses. */
  get median(): number {
    const { length } = this.#sorted;
    const at = (index: number): number => this.#sorted[index] ?? NaN;
    return length % 2 === 1 ? at((length - 1) / 2) : (at(length / 2 - 1) + at(length / 2)) / 2;
  }

  /** Adds a finite loss. If the window is full, the oldest loss is removed. */
  push(value: number): void {
    this.#values.push(value);
    this.#sorted.splice(this.#place(value), 0, value);
    if (this.#values.length <= this.#size) return;
    const oldest = this.#values.shift() as number;
    this.#sorted.splice(this.#place(oldest), 1);
  }

  /**
   * Whether a loss is a spike: above the median by more than (factor - 1) times its magnitude, which for positive losses
   * is factor times the median.
   */
  isSpike(value: number, factor: number): boolean {
    const { median } = this;
    return value - median > (factor - 1) * Math.abs(median);
  }

  restore(values: readonly number[]): void {
    this.#values = values.slice(-this.#size);
    this.#sorted = [...this.#values].sort((a, b) => a - b);
  }

  /** The index of a value among the sorted ones, or the index at which it would be inserted. */
  #place(value: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
