import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import { formatLine, type LineRecord, parseLine } from './json-line.ts';

interface WrittenLine {
  readonly iteration: number;
  readonly offset: number;
  readonly record: LineRecord;
}

/** So many lines are kept in memory; values put at older iterations cost a pass over the whole file. */
const RECENT_LINES = 1000;

/**
 * A file with one line per iteration, in their order, whatever the order in which values come: a value for an
 * iteration that has its line already joins that line.
 */
export class LineFile {
  readonly path: string;
  readonly #file: FileHandle;
  #recent: WrittenLine[] = [];
  /** Whether every line of the file is in `#recent`. */
  #complete = true;
  #size = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Opens a file, with the lines after iteration `last` taken out. @returns how many those were, and torn ones */
  static async open(path: string, last: number): Promise<{ readonly file: LineFile; readonly dropped: number }> {
    const existing = await readText(path);
    const texts = existing.split('\n').filter((text) => text.trim() !== '');
    const lines = texts.map(parseLine).filter((line) => line !== undefined);
    const kept = lines.filter(({ iteration }) => iteration <= last).sort((a, b) => a.iteration - b.iteration);
    const content = kept.map(({ iteration, record }) => formatLine(iteration, record)).join('');
    if (content !== existing) await replaceFile(path, content);
    const file = new LineFile(path, await open(path, existing === '' ? 'w+' : 'r+'));
    file.#remember(kept, 0);
    return { file, dropped: texts.length - kept.length };
  }

  /** Adds the scalars of some iterations. */
  async add(records: ReadonlyMap<number, LineRecord>): Promise<void> {
    const iterations = [...records.keys()].sort((a, b) => a - b);
    const [first] = iterations;
    if (first === undefined) return;
    if (!this.#complete && first < (this.#recent[0]?.iteration ?? 0)) await this.#readAll();
    // Everything before this place stays as it is; what comes after is written anew, with the new values.
    let place = this.#recent.length;
    while (place > 0 && (this.#recent[place - 1]?.iteration ?? 0) >= first) place--;
    const rewritten = this.#recent.slice(place);
    const merged = new Map(rewritten.map(({ iteration, record }) => [iteration, record]));
    for (const iteration of iterations) {
      merged.set(iteration, new Map([...(merged.get(iteration) ?? []), ...(records.get(iteration) ?? [])]));
    }
    const lines = [...merged]
      .map(([iteration, record]) => ({ iteration, record }))
      .sort((a, b) => a.iteration - b.iteration);
    const offset = rewritten[0]?.offset ?? this.#size;
    const bytes = Buffer.from(lines.map(({ iteration, record }) => formatLine(iteration, record)).join(''));
    await writeAll(this.#file, bytes, offset);
    if (offset + bytes.length < this.#size) await this.#file.truncate(offset + bytes.length);
    this.#recent.length = place;
    this.#remember(lines, offset);
  }

  async close(): Promise<void> {
    try {
      await this.#file.datasync();
    } finally {
      await this.#file.close();
    }
  }

  #remember(lines: readonly Omit<WrittenLine, 'offset'>[], start: number): void {
    let offset = start;
    for (const { iteration, record } of lines) {
      this.#recent.push({ iteration, record, offset });
      offset += Buffer.byteLength(formatLine(iteration, record));
    }
    this.#size = offset;
    if (this.#recent.length > 2 * RECENT_LINES) {
      this.#recent = this.#recent.slice(-RECENT_LINES);
      this.#complete = false;
    }
  }

  async #readAll(): Promise<void> {
    const lines = (await readText(this.path)).split('\n').map(parseLine);
    this.#recent = [];
    this.#complete = true;
    let offset = 0;
    for (const line of lines) {
      if (line === undefined) continue;
      this.#recent.push({ ...line, offset });
      offset += Buffer.byteLength(formatLine(line.iteration, line.record));
    }
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Replaces a file so that at any moment either the old or the new content is there. */
async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  await writeFile(temporary, content, { flush: true });
  await rename(temporary, path);
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}
