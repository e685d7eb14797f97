import type { z } from 'zod';
import type { reduceOnPlateauOptions } from './options.ts';

/** The state of the counter, as plain data. */
export interface PlateauState {
  /** The best value so far, null before the first one. */
  readonly best: number | null;
  /** Number of bad values since the best one or the last reduction. */
  readonly bad: number;
  /** Number of values that are still ignored after a reduction. */
  readonly cooldown: number;
  /** Factor of the learning rate, from 0 to 1. */
  readonly factor: number;
}

export type PlateauOptions = Omit<z.output<typeof reduceOnPlateauOptions>, 'metric'>;

/** Counts values without improvement, by the rule of torch's ReduceLROnPlateau. */
export class Plateau {
  readonly #options: PlateauOptions;
  #state: PlateauState = { best: null, bad: 0, cooldown: 0, factor: 1 };

  constructor(options: PlateauOptions) {
    this.#options = options;
  }

  get state(): PlateauState {
    return this.#state;
  }

  restore(state: PlateauState): void {
    this.#state = state;
  }

  /**
   * Adds a value. NaN and infinities are never an improvement.
   *
   * @param base the rate that the factor multiplies, for `minLr` and `epsilon`
   * @returns whether the factor has become smaller
   */
  take(value: number, base: number): boolean {
    const { patience, cooldown } = this.#options;
    const before = this.#state;
    const isBetter = this.#isBetter(value);
    const isCooling = before.cooldown > 0;
    const bad = isBetter || isCooling ? 0 : before.bad + 1;
    const best = isBetter ? value : before.best;
    if (bad <= patience) {
      this.#state = { ...before, best, bad, cooldown: isCooling ? before.cooldown - 1 : 0 };
      return false;
    }
    this.#state = { best, bad: 0, cooldown, factor: this.#reduced(before.factor, base) };
    return this.#state.factor < before.factor;
  }

  #reduced(factor: number, base: number): number {
    const { minLr, epsilon } = this.#options;
    const rate = factor * base;
    const next = Math.max(rate * this.#options.factor, minLr);
    return rate - next > epsilon ? Math.max(factor * this.#options.factor, minLr / base) : factor;
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const { best } = this.#state;
    if (!Number.isFinite(value)) return false;
    if (best === null) return true;
    if (mode === 'min') return value < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return value > (thresholdMode === 'rel' ? best * (threshold + 1) : best + threshold);
  }
}
