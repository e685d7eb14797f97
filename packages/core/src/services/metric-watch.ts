import { isHooklineError } from '../errors.ts';
import type { Results } from '../hooks/hook-table.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { ScalarSample } from '../events/history-buffer.ts';
import { didYouMean } from '../suggest-name.ts';
import type { Evaluation } from './evaluation.ts';
import type { Logger } from './logger.ts';

/** What a {@link MetricWatch} works with. */
export interface MetricWatchParts {
  /** Name of the scalar. */
  readonly metric: string;
  readonly storage: EventStorage;
  readonly evaluation: Evaluation;
  readonly logger: Logger;
}

const NOTHING: readonly ScalarSample[] = Object.freeze([]);

/**
 * Tells which values of a scalar are new, and once when the scalar does not come; for plugins that act on a metric.
 *
 * Call {@link MetricWatch.begin} in `beforeTrain`, {@link MetricWatch.look} after it and in `afterStep`, and save and
 * load `seen`, so that a resumed run acts on no value twice, and on those of an evaluation that it begins with.
 */
export class MetricWatch {
  readonly #parts: MetricWatchParts;
  /** Values of the scalar that were looked at, as its history counts them. */
  seen: number | undefined;
  #results: Results | undefined;
  #known = false;
  #warned = false;

  constructor(parts: MetricWatchParts) {
    this.#parts = parts;
    this.#results = parts.evaluation.latest;
  }

  /** Begins the watch: without a `seen` from a checkpoint, what is there already is not new. */
  async begin(): Promise<void> {
    if (this.seen !== undefined) return;
    this.seen = 0;
    await this.look();
  }

  /** The values since the last look, as they were put. A promise only when one is still on its way. */
  look(): readonly ScalarSample[] | Promise<readonly ScalarSample[]> {
    const { storage, metric } = this.#parts;
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

  /** Warns, once, when there was an evaluation without the scalar; after training also when there was none. */
  warnWhereMissing(atEnd = false): void {
    const { storage, metric, evaluation, logger } = this.#parts;
    if (this.#known || this.#warned) return;
    const evaluated = evaluation.latest !== this.#results;
    if (!evaluated && !atEnd) return;
    this.#warned = true;
    const when = evaluated ? 'the evaluation did not give it' : 'nothing ever put it';
    logger.warn(`there is no metric "${metric}": ${when}. ${didYouMean(metric, storage.names())}`);
  }

  #take(): readonly ScalarSample[] {
    const history = this.#parts.storage.history(this.#parts.metric);
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
