import { rename, stat } from 'node:fs/promises';
import type { Logger } from '@hookline/core';
import { exists } from '../exists.ts';
import { namesAt, selectScalars, type WrittenValues } from '../select-scalars.ts';
import type { WriteBatch, Writer, WriterRun } from '../writer.ts';
import { LineFile } from './line-file.ts';

interface JsonLinesWriterOptions {
  /** File name in the run's folder. */
  readonly file: string;
  readonly values: WrittenValues;
  /** Number of iterations for the medians of `latest` values. */
  readonly windowSize: number;
}

/**
 * Writes `metrics.json` (detectron2's JSONWriter): one JSON object per line and iteration.
 *
 * A run that starts at iteration 0 starts a new file and renames an earlier one. A resumed run continues
 * the file, after removing lines from its first iteration on, because it writes them again. For its first
 * iteration itself, values that the checkpoint contains are kept, because they were stored after the last step before the resume.
 */
export class JsonLinesWriter implements Writer {
  readonly name = 'json';
  readonly #options: JsonLinesWriterOptions;
  readonly #logger: Logger;
  #file: LineFile | undefined;
  target: string | undefined;

  constructor(options: JsonLinesWriterOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  async open({ startIteration, storage, file }: WriterRun): Promise<void> {
    this.target = await file(this.#options.file);
    if (startIteration === 0) await this.#putAside(this.target);
    const known = new Set(namesAt(storage, startIteration));
    const keeps = (name: string): boolean => known.has(name);
    const { file: opened, dropped } = await LineFile.open(this.target, { start: startIteration, keeps });
    this.#file = opened;
    if (dropped > 0) {
      this.#logger.info(
        `${this.target}: removed ${dropped} lines of iterations from ${startIteration} on, which this run writes again`,
      );
    }
  }

  async write({ scalars }: WriteBatch): Promise<void> {
    const records = new Map<number, Map<string, number>>();
    for (const { name, value, iteration } of selectScalars(scalars, this.#options)) {
      let record = records.get(iteration);
      if (record === undefined) records.set(iteration, (record = new Map<string, number>()));
      record.set(name, value);
    }
    await this.#file?.add(records);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #putAside(path: string): Promise<void> {
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    if (size === 0) return;
    for (let number = 1; ; number++) {
      const aside = path.replace(/(\.[^./\\]*)?$/, (extension) => `.${number}${extension}`);
      if (await exists(aside)) continue;
      await rename(path, aside);
      this.#logger.info(`metrics of an earlier run are now in ${aside}`);
      return;
    }
  }
}
