import type { Logger } from '@hookline/core';
import type { WriteBatch, Writer, WriterRun } from '../writer.ts';
import { metricLine, peakMemory } from './metric-line.ts';

/** Logs a line of metrics at each period (detectron2's CommonMetricPrinter); silent once training is complete. */
export class ConsoleWriter implements Writer {
  readonly name = 'console';
  readonly #logger: Logger;
  readonly #eta: () => number | undefined;
  /** Whether only the line of the last step is logged, since a progress line shows the others. */
  readonly #onlyLast: boolean;
  #run: WriterRun | undefined;

  /** @param eta the seconds that remain, as last estimated */
  constructor(logger: Logger, eta: () => number | undefined, onlyLast: boolean) {
    this.#logger = logger;
    this.#eta = eta;
    this.#onlyLast = onlyLast;
  }

  open(run: WriterRun): void {
    this.#run = run;
  }

  write({ iteration, periodic }: WriteBatch): void {
    if (this.#run === undefined || !periodic) return;
    const { storage, maxIterations } = this.#run;
    if (this.#onlyLast && iteration + 1 < maxIterations) return;
    this.#logger.info(metricLine({ storage, iteration, eta: this.#eta(), maxMemory: peakMemory() }));
  }
}
