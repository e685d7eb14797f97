import type { EventStorage, RunContext } from '@hookline/core';
import { countSince } from './count-since.ts';

/**
 * Estimates the remaining time (detectron2's `_get_eta`): the median of this run's last 1000 values of the
 * scalar `time` (seconds per step), or without any the mean since the previous estimate, times the number of remaining steps.
 */
export class RemainingTime {
  readonly #now: () => number;
  #previous: { readonly iteration: number; readonly at: number } | undefined;

  /** @param now a monotonic clock in seconds */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
  }

  /**
   * Estimates the remaining seconds after the step of `iteration`, and stores them as the unsmoothed scalar `eta_seconds`.
   *
   * @returns undefined if there is no estimate yet: at the first call, if this run has no value of `time`
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
