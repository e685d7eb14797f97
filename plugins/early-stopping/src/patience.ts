/** A value of a metric and the iteration it belongs to. */
export interface MetricSample {
  readonly value: number;
  readonly iteration: number;
}

/** The state of the counter, as plain data. */
export interface PatienceState {
  readonly best: MetricSample | null;
  /** Number of values since the best one. */
  readonly waited: number;
}

/** The rule by which a training ends; see the options of the plugin for their meaning. */
export interface StoppingRule {
  readonly mode: 'max' | 'min';
  readonly patience: number;
  readonly minDelta: number;
  readonly baseline?: number | undefined;
  readonly stoppingThreshold?: number | undefined;
  readonly divergenceThreshold?: number | undefined;
}

/** Why a value ends the training: it reached a threshold, or the patience is over. */
export type StopCause = 'stoppingThreshold' | 'divergenceThreshold' | 'patience';

/** Decides at which value of a metric a training ends, and remembers the best value. */
export class Patience {
  readonly #rule: StoppingRule;
  #best: MetricSample | null = null;
  #waited = 0;

  constructor(rule: StoppingRule) {
    this.#rule = rule;
  }

  /** The best value so far, null before the first finite one. */
  get best(): MetricSample | null {
    return this.#best;
  }

  /**
   * Takes the next value. NaN and infinities are never better than the best value.
   *
   * @returns why the training ends at this value; undefined when it goes on
   */
  stopCause({ value, iteration }: MetricSample): StopCause | undefined {
    const { patience, baseline, stoppingThreshold, divergenceThreshold } = this.#rule;
    const isBest = this.#isBetter(value);
    if (isBest) this.#best = { value, iteration };
    // Keras's rule: a new best value that does not beat the baseline neither starts the count anew nor ends the training.
    if (isBest && (baseline === undefined || this.#beats(value, baseline))) this.#waited = 0;
    else this.#waited++;
    // Lightning's rule: both thresholds are compared without minDelta, and a value that is equal to one does not count.
    if (stoppingThreshold !== undefined && this.#isBeyond(value, stoppingThreshold)) return 'stoppingThreshold';
    if (divergenceThreshold !== undefined && this.#isBeyond(divergenceThreshold, value)) return 'divergenceThreshold';
    return !isBest && this.#waited >= patience ? 'patience' : undefined;
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
    return this.#best === null || this.#beats(value, this.#best.value);
  }

  /** Whether a value is better than another by more than minDelta. */
  #beats(value: number, other: number): boolean {
    const { mode, minDelta } = this.#rule;
    // Compare as Keras and Lightning do, including the rounding.
    return mode === 'max' ? value - minDelta > other : value + minDelta < other;
  }

  #isBeyond(value: number, limit: number): boolean {
    return this.#rule.mode === 'max' ? value > limit : value < limit;
  }
}
