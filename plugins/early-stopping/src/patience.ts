/** A value of a metric and the iteration it belongs to. */
export interface MetricSample {
  readonly value: number;
  readonly iteration: number;
}

/** Where the patience stands, as plain data. */
export interface PatienceState {
  readonly best: MetricSample | null;
  /** Values since the best one. */
  readonly waited: number;
}

/** Counts values that are not better than the best one. */
export class Patience {
  readonly #mode: 'max' | 'min';
  readonly #limit: number;
  readonly #minDelta: number;
  #best: MetricSample | null = null;
  #waited = 0;

  constructor(options: { readonly mode: 'max' | 'min'; readonly patience: number; readonly minDelta: number }) {
    this.#mode = options.mode;
    this.#limit = options.patience;
    this.#minDelta = options.minDelta;
  }

  /** The best value so far, null before the first finite one. */
  get best(): MetricSample | null {
    return this.#best;
  }

  /** Takes a value; NaN and infinities are never better. @returns whether the patience is over */
  isOver({ value, iteration }: MetricSample): boolean {
    if (this.#isBetter(value)) {
      this.#best = { value, iteration };
      this.#waited = 0;
    } else {
      this.#waited++;
    }
    return this.#waited >= this.#limit;
  }

  state(): PatienceState {
    return { best: this.#best === null ? null : { ...this.#best }, waited: this.#waited };
  }

  restore({ best, waited }: PatienceState): void {
    this.#best = best;
    this.#waited = waited;
  }

  #isBetter(value: number): boolean {
    if (!Number.isFinite(value)) return false;
    if (this.#best === null) return true;
    // As Keras and Lightning compare, also in the rounding.
    return this.#mode === 'max' ? value - this.#minDelta > this.#best.value : value + this.#minDelta < this.#best.value;
  }
}
