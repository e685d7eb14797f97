import type { EventStorage, RunContext } from '@hookline/core';
import { countSince } from './count-since.ts';

/**
 * Estimates the remaining time (detectron2's `_get_eta`): the median of the last 1000 values that this run has put of the
 * scalar `time` (seconds per step) times the steps that remain; without any, the mean since the previous estimate.
 */
export class RemainingTime {
  readonly #now: () => number;
  #previous: { readonly iteration: number; readonly at: number } | undefined;

  /** @param now seconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
  }

  /**
   * The seconds that remain after the step of `iteration`, stored as the unsmoothed scalar `eta_seconds` as well.
   *
   * @returns undefined where it cannot be known yet: without a `time` of this run, at the first call
   */
  estimate(
    storage: EventStorage,
    iteration: number,
    { startIteration, maxIterations }: Pick<RunContext, 'startIteration' | 'maxIterations'>,
  ): number | undefined {
    const perStep = this.#secondsPerStep(storage, iteration, startIteration);
    if (perStep === undefined) return undefined;
    const seconds = perStep * (maxIterations - iteration - 1);
    storage.putScalar('eta_seconds', seconds, { smoothing: false });
    return seconds;
  }

  #secondsPerStep(storage: EventStorage, iteration: number, startIteration: number): number | undefined {
    const times = storage.smoothingHints().has('time') ? storage.history('time') : undefined;
    const own = times === undefined ? 0 : countSince(times, startIteration);
    if (times !== undefined && own > 0) return times.median(Math.min(1000, own));
    const [before, at] = [this.#previous, this.#now()];
    if (before?.iteration === iteration) return undefined;
    this.#previous = { iteration, at };
    return before === undefined ? undefined : (at - before.at) / (iteration - before.iteration);
  }
}
