import { isHooklineError } from '../errors.ts';
import type { Results } from '../hooks/hook-table.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { ScalarSample } from '../events/history-buffer.ts';
import { didYouMean } from '../suggest-name.ts';
import type { Evaluation } from './evaluation.ts';
import type { Logger } from './logger.ts';

/** Options of a {@link MetricWatch}. */
export interface MetricWatchOptions {
  /** Name of the scalar. */
  readonly metric: string;
  readonly storage: EventStorage;
  readonly evaluation: Evaluation;
  readonly logger: Logger;
}

const NOTHING: readonly ScalarSample[] = Object.freeze([]);

/**
 * Finds new values of a scalar, for plugins that act on a metric, and warns once where the scalar is never stored.
 *
 * Call {@link MetricWatch.begin} in `beforeTrain`, {@link MetricWatch.look} after it and in `afterStep`, and save and
 * load `seen`, so that a resumed run acts on no value twice, but does act on those of an evaluation that it begins
 * with.
 */
export class MetricWatch {
  readonly #options: MetricWatchOptions;
  /** How many values of the scalar have been looked at, as its history counts them. */
  seen: number | undefined;
  #results: Results | undefined;
  #known = false;
  #warned = false;

  constructor(options: MetricWatchOptions) {
    this.#options = options;
    this.#results = options.evaluation.latest;
  }

  /** Begins the watch. Without a `seen` from a checkpoint, values that are stored already do not count as new. */
  async begin(): Promise<void> {
    if (this.seen !== undefined) return;
    this.seen = 0;
    await this.look();
  }

  /**
   * The values since the last call, in the order in which they were put. A promise only where a value is still pending.
   */
  look(): readonly ScalarSample[] | Promise<readonly ScalarSample[]> {
    const { storage, metric } = this.#options;
    if (!this.#known) {
      if (!storage.names().includes(metric)) return NOTHING;
      this.#known = true;
    }
    try {
      return this.#take();
    } catch (error) {
      if (!isHooklineError(error, 'HKL_SCALAR_PENDING')) throw error;
      return Promise.resolve(storage.resolve()).then(() => this.#take());
    }
  }

  /** Warns, once, where an evaluation did not store the scalar; after training also where there was no evaluation. */
  warnWhereMissing(atEnd = false): void {
    const { storage, metric, evaluation, logger } = this.#options;
    if (this.#known || this.#warned) return;
    const evaluated = evaluation.latest !== this.#results;
    if (!evaluated && !atEnd) return;
    this.#warned = true;
    const when = evaluated ? 'the evaluation did not give it' : 'nothing ever put it';
    logger.warn(`there is no metric "${metric}": ${when}. ${didYouMean(metric, storage.names())}`);
  }

  #take(): readonly ScalarSample[] {
    const history = this.#options.storage.history(this.#options.metric);
    const { count } = history;
    const first = Math.max(this.seen ?? 0, count - history.length);
    this.seen = count;
    if (first >= count) return NOTHING;
    return Array.from({ length: count - first }, (_, i) => ({
      value: history.valueAt(first + i),
      iteration: history.iterationAt(first + i),
    }));
  }
}
