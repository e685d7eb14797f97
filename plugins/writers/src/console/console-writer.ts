import type { Logger } from '@hookline/core';
import type { WriteBatch, Writer, WriterRun } from '../writer.ts';
import { metricLine, peakMemory } from './metric-line.ts';

interface ConsoleWriterOptions {
  /** Whether only the line of the last step is logged, because a progress line shows the others. */
  readonly onlyLast: boolean;
  /** Number of iterations for medians and for the mean of `data_time`. */
  readonly windowSize: number;
  /** Names of the metrics that steps report; the set grows during training. */
  readonly metrics: ReadonlySet<string>;
}

/** Logs a line of metrics at each period (detectron2's CommonMetricPrinter); silent once training is complete. */
export class ConsoleWriter implements Writer {
  readonly name = 'console';
  readonly #logger: Logger;
  readonly #eta: () => number | undefined;
  readonly #options: ConsoleWriterOptions;
  #run: WriterRun | undefined;

  /** @param eta the last estimate of the remaining seconds */
  constructor(logger: Logger, eta: () => number | undefined, options: ConsoleWriterOptions) {
    this.#logger = logger;
    this.#eta = eta;
    this.#options = options;
  }

  open(run: WriterRun): void {
    this.#run = run;
  }

  write({ iteration, periodic }: WriteBatch): void {
    if (this.#run === undefined || !periodic) return;
    const { storage, startIteration, maxIterations } = this.#run;
    const { windowSize, metrics } = this.#options;
    if (this.#options.onlyLast && iteration + 1 < maxIterations) return;
    this.#logger.info(
      metricLine({
        storage,
        iteration,
        startIteration,
        windowSize,
        metrics,
        eta: this.#eta(),
        maxMemory: peakMemory(),
      }),
    );
  }
}
