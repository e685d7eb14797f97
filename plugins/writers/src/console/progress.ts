import type { EventStorage, Logger, StepContext } from '@hookline/core';
import { countSince } from './count-since.ts';
import { progressLine } from './progress-line.ts';

/** Keeps the progress line of a terminal up to date. */
export class ProgressDisplay {
  readonly #logger: Logger;
  readonly #storage: EventStorage;
  readonly #refresh: number;
  readonly #windowSize: number;
  #shownAt = -Infinity;
  #mark: { readonly iteration: number; readonly at: number } | undefined;

  /**
   * @param refresh milliseconds that the line stays at least
   * @param windowSize iterations that the medians of loss and time are taken over
   */
  constructor(logger: Logger, storage: EventStorage, refresh: number, windowSize: number) {
    this.#logger = logger;
    this.#storage = storage;
    this.#refresh = refresh;
    this.#windowSize = windowSize;
  }

  /** Whether it is time for a new line; asked after every step, so it costs one look at the clock. */
  isDue({ iteration, maxIterations }: StepContext): boolean {
    return iteration + 1 === maxIterations || performance.now() - this.#shownAt >= this.#refresh;
  }

  /** Shows the state after a step. Scalars must be resolved. */
  show({ iteration, startIteration, maxIterations }: StepContext): void {
    const now = performance.now();
    this.#shownAt = now;
    const hints = this.#storage.smoothingHints();
    const median = (name: string): number | undefined => {
      if (!hints.has(name)) return undefined;
      const history = this.#storage.history(name);
      if (hints.get(name) !== true) return history.latest();
      const count = history.countSamples(this.#windowSize);
      // Times of the run before a resume say nothing about this one.
      const own = name === 'time' ? Math.min(count, countSince(history, startIteration)) : count;
      return own === 0 ? undefined : history.median(own);
    };
    const measured =
      this.#mark === undefined ? undefined : (now - this.#mark.at) / 1000 / (iteration - this.#mark.iteration);
    // The first step is slow as a rule; without the scalar `time` the mean begins after it.
    if (this.#mark === undefined || this.#mark.iteration < startIteration) this.#mark = { iteration, at: now };
    const secondsPerStep = median('time') ?? (Number.isFinite(measured) ? measured : undefined);
    const done = iteration + 1;
    const eta = secondsPerStep === undefined ? undefined : secondsPerStep * (maxIterations - done);
    this.#logger.status(
      progressLine(
        { done, total: maxIterations, loss: median('total_loss'), lr: median('lr'), secondsPerStep, eta },
        process.stderr.isTTY ? process.stderr.columns : 80,
      ),
    );
  }

  /** Takes the line away. */
  clear(): void {
    this.#logger.status(undefined);
  }
}
