import type { EventStorage, Logger, StepContext } from '@hookline/core';
import { countSince } from './count-since.ts';
import { progressLine } from './progress-line.ts';

/** Options of {@link ProgressDisplay}. */
interface ProgressOptions {
  /** Shortest time in milliseconds between two updates of the line. */
  readonly refresh: number;
  /** Number of iterations for the medians of loss, metrics and time. */
  readonly windowSize: number;
  /** Names of the metrics that steps report; the set grows during training. */
  readonly metrics: ReadonlySet<string>;
}

/** Updates the progress line of a terminal. */
export class ProgressDisplay {
  readonly #logger: Logger;
  readonly #storage: EventStorage;
  readonly #options: ProgressOptions;
  #shownAt = -Infinity;
  #mark: { readonly iteration: number; readonly at: number } | undefined;

  constructor(logger: Logger, storage: EventStorage, options: ProgressOptions) {
    this.#logger = logger;
    this.#storage = storage;
    this.#options = options;
  }

  /** Whether an update is due. It is called after every step, so it only reads the clock. */
  isDue({ iteration, maxIterations }: StepContext): boolean {
    return iteration + 1 === maxIterations || performance.now() - this.#shownAt >= this.#options.refresh;
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
      const count = history.countSamples(this.#options.windowSize);
      // Times from before a resume do not apply to this run.
      const own = name === 'time' ? Math.min(count, countSince(history, startIteration)) : count;
      return own === 0 ? undefined : history.median(own);
    };
    const measured =
      this.#mark === undefined ? undefined : (now - this.#mark.at) / 1000 / (iteration - this.#mark.iteration);
    // The first step is usually slow; without the scalar `time`, the mean starts after it.
    if (this.#mark === undefined || this.#mark.iteration < startIteration) this.#mark = { iteration, at: now };
    const secondsPerStep = median('time') ?? (Number.isFinite(measured) ? measured : undefined);
    const done = iteration + 1;
    const eta = secondsPerStep === undefined ? undefined : secondsPerStep * (maxIterations - done);
    const metrics = new Map([...this.#options.metrics].map((name) => [name, median(name)]));
    this.#logger.status(
      progressLine(
        {
          done,
          total: maxIterations,
          epoch: median('epoch'),
          loss: median('total_loss'),
          metrics,
          lr: median('lr'),
          secondsPerStep,
          eta,
        },
        process.stderr.isTTY ? process.stderr.columns : 80,
      ),
    );
  }

  /** Removes the line. */
  clear(): void {
    this.#logger.status(undefined);
  }
}
