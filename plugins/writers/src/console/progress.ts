import type { EventStorage, Logger, StepContext } from '@hookline/core';
import { countSince } from './count-since.ts';
import { progressLine } from './progress-line.ts';

/** Options of {@link ProgressDisplay}. */
interface ProgressOptions {
  /** Milliseconds that the line stays at least. */
  readonly refresh: number;
  /** Iterations that the medians of loss, metrics and time are taken over. */
  readonly windowSize: number;
  /** Names of the metrics that steps report; it grows as they do. */
  readonly metrics: ReadonlySet<string>;
}

/** Keeps the progress line of a terminal up to date. */
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

  /** Whether it is time for a new line; asked after every step, so it costs one look at the clock. */
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

  /** Takes the line away. */
  clear(): void {
    this.#logger.status(undefined);
  }
}
