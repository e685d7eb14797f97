import type { Logger } from '@hookline/core';
import type { WriteBatch, Writer, WriterRun } from '../writer.ts';
import { metricLine, peakMemory } from './metric-line.ts';

interface ConsoleWriterOptions {
  /** Whether only the line of the last step is logged, since a progress line shows the others. */
  readonly onlyLast: boolean;
  /** Iterations that medians, and the mean of `data_time`, are taken over. */
  readonly windowSize: number;
  /** Names of the metrics that steps report; it grows as they do. */
  readonly metrics: ReadonlySet<string>;
}

/** Logs a line of metrics at each period (detectron2's CommonMetricPrinter); silent once training is complete. */
export class ConsoleWriter implements Writer {
  readonly name = 'console';
  readonly #logger: Logger;
  readonly #eta: () => number | undefined;
  readonly #options: ConsoleWriterOptions;
  #run: WriterRun | undefined;

  /** @param eta the seconds that remain, as last estimated */
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
