import { open } from 'node:fs/promises';
import { writeFileAtomically } from '@hookline/core';
import { parseLine } from '../json-lines/json-line.ts';
import type { Writer, WriterRun } from '../writer.ts';

interface CsvWriterOptions {
  /** File name in the run's folder. */
  readonly file: string;
  /** Name of the JSON lines file from which it is made, in the run's folder. That writer is closed first. */
  readonly from: string;
}

/**
 * Writes the metrics as one table at the end of the training, whatever its outcome, with a row for each iteration, a column for each
 * scalar of the whole run, and an empty field for a missing value.
 *
 * It is made from the JSON lines, which are correct even after a resume, and which contain scalars that arrived late.
 * Only one line at a time is in memory.
 */
export class CsvWriter implements Writer {
  readonly name = 'csv';
  readonly #options: CsvWriterOptions;
  #from = '';
  target: string | undefined;

  constructor(options: CsvWriterOptions) {
    this.#options = options;
  }

  async open({ file }: WriterRun): Promise<void> {
    this.#from = await file(this.#options.from);
    this.target = await file(this.#options.file);
  }

  /** Does nothing; the JSON lines contain the values. */
  write(): void {
    return undefined;
  }

  async close(): Promise<void> {
    const { target } = this;
    if (target === undefined) return;
    const names = new Set<string>();
    for await (const { record } of this.#lines()) for (const name of record.keys()) names.add(name);
    const columns = [...names].sort();
    await writeFileAtomically(target, async (into) => {
      await into.write(`${['iteration', ...columns].map(field).join(',')}\n`);
      for await (const { iteration, record } of this.#lines()) {
        const row = [iteration, ...columns.map((name) => record.get(name) ?? '')];
        await into.write(`${row.map((value) => field(String(value))).join(',')}\n`);
      }
    });
  }

  async *#lines(): AsyncGenerator<NonNullable<ReturnType<typeof parseLine>>> {
    const file = await open(this.#from, 'r');
    try {
      for await (const text of file.readLines({ autoClose: false })) {
        const line = parseLine(text);
        if (line !== undefined) yield line;
      }
    } finally {
      await file.close();
    }
  }
}

/** Quotes a field if it contains a comma, a quote or a line break, as in RFC 4180. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
