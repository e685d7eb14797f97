import { open } from 'node:fs/promises';
import { writeFileAtomically } from '@hookline/core';
import { parseLine } from '../json-lines/json-line.ts';
import type { Writer, WriterRun } from '../writer.ts';

interface CsvWriterOptions {
  /** The file, within the folder of the run. */
  readonly file: string;
  /** The file of JSON lines that it is made from, within the folder of the run; it is closed before. */
  readonly from: string;
}

/**
 * Writes the metrics as one table at the end of the training, whatever its outcome: a row for each iteration, a column for each
 * scalar of the whole run, and an empty field where there is no value.
 *
 * It is made from the JSON lines, which are right also after a resume, so that a scalar that comes late needs no second
 * table. Memory holds one line at a time.
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

  /** Nothing: the JSON lines have it. */
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

/** As RFC 4180 has it: in quotes where it holds a comma, a quote or a line break. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
