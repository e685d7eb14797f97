import { fdatasync } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { writeFileAtomically } from '@hookline/core';
import { formatLine, type LineRecord, parseLine } from './json-line.ts';
import { linesFromEnd } from './lines-from-end.ts';

/** Uses the file descriptor, because file handles under Yarn's Plug'n'Play lack `datasync`. */
const flush = promisify(fdatasync);

interface WrittenLine {
  readonly iteration: number;
  readonly offset: number;
  readonly record: LineRecord;
}

/** Number of lines that are kept in memory; values for older iterations need a pass over the whole file. */
const RECENT_LINES = 1000;
const COPY_BYTES = 2 ** 20;

/** Which lines of a file are kept when a run continues it. */
export interface KeptLines {
  /** Lines of earlier iterations are kept, later ones are removed. */
  readonly start: number;
  /** Whether a value of the line of `start` itself is kept; the others are written again. Default: none. */
  readonly keeps?: (name: string) => boolean;
}

/**
 * A file with one line per iteration, in order. Values may arrive in any order: a value for an
 * iteration that already has a line is added to that line.
 *
 * Memory does not depend on the size of the file.
 */
export class LineFile {
  readonly path: string;
  #file: FileHandle;
  #recent: WrittenLine[] = [];
  /** Whether every line of the file is in `#recent`. */
  #complete = true;
  #size = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens or creates a file and removes the lines that will be written again. It reads from the end and only as far as necessary.
   *
   * @returns the file, and the number of lines that were removed or could not be read
   * @throws Error if the file has a line that is too long to be a line of metrics
   */
  static async open(path: string, keep: KeptLines): Promise<{ readonly file: LineFile; readonly dropped: number }> {
    const file = new LineFile(path, await open(path, constants.O_RDWR | constants.O_CREAT));
    try {
      return { file, dropped: await file.#takeOut(keep) };
    } catch (error) {
      await file.#file.close();
      throw error;
    }
  }

  /** Adds the scalars of some iterations. */
  async add(records: ReadonlyMap<number, LineRecord>): Promise<void> {
    const oldest = this.#complete ? -Infinity : (this.#recent[0]?.iteration ?? -Infinity);
    const late = [...records].filter(([iteration]) => iteration < oldest);
    if (late.length > 0) await this.#addLate(new Map(late));
    const recent = new Map([...records].filter(([iteration]) => iteration >= oldest));
    if (recent.size === 0) return;
    const { offset, place, lines, bytes } = this.#merge(recent);
    await writeAll(this.#file, bytes, offset);
    if (offset + bytes.length < this.#size) await this.#file.truncate(offset + bytes.length);
    this.#recent.length = place;
    this.#remember(lines, offset);
  }

  async close(): Promise<void> {
    try {
      await flush(this.#file.fd);
    } finally {
      await this.#file.close();
    }
  }

  async #takeOut({ start, keeps = () => false }: KeptLines): Promise<number> {
    const { size } = await this.#file.stat();
    const found: (WrittenLine & { readonly end: number; readonly changed: boolean })[] = [];
    let dropped = 0;
    let read = size;
    for await (const { offset, text, isTorn } of linesFromEnd(this.#file, size)) {
      read = offset;
      if (text.trim() === '') continue;
      const line = parseLine(text);
      const end = offset + Buffer.byteLength(text);
      if (line === undefined || line.iteration > start) dropped++;
      else if (line.iteration < start) found.push({ ...line, offset, end, changed: isTorn });
      else {
        const record = new Map([...line.record].filter(([name]) => keeps(name)));
        const changed = isTorn || record.size < line.record.size;
        if (changed) dropped++;
        if (record.size > 0) found.push({ ...line, record, offset, end, changed });
      }
      if (found.length === RECENT_LINES) break;
    }
    this.#complete = read === 0;
    const lines = found.reverse();
    // Everything before this place is kept.
    const place = lines.findIndex(
      ({ changed, iteration }, at) => changed || iteration <= (lines[at - 1]?.iteration ?? -Infinity),
    );
    const whole = place < 0 ? lines : lines.slice(0, place);
    this.#recent = whole.map(({ iteration, record, offset }) => ({ iteration, record, offset }));
    this.#size = whole.at(-1)?.end ?? read;
    if (place >= 0) await this.#replaceEnd(lines.slice(place));
    else if (this.#size < size) await this.#file.truncate(this.#size);
    return dropped;
  }

  /** Inserts lines after or between the known ones in one change, which is atomic even if the process is killed. */
  async #replaceEnd(added: readonly Pick<WrittenLine, 'iteration' | 'record'>[]): Promise<void> {
    const records = new Map<number, LineRecord>();
    for (const { iteration, record } of added) {
      records.set(iteration, new Map([...(records.get(iteration) ?? []), ...record]));
    }
    const { offset, place, lines, bytes } = this.#merge(records);
    await writeFileAtomically(this.path, async (target) => {
      await copy(this.#file, target, 0, offset, 0);
      await writeAll(target, bytes, offset);
    });
    await this.#reopen();
    this.#recent.length = place;
    this.#remember(lines, offset);
  }

  /** The end of the file with the new values: the first changed line, its place, and the new text. */
  #merge(records: ReadonlyMap<number, LineRecord>): {
    readonly place: number;
    readonly offset: number;
    readonly lines: readonly Omit<WrittenLine, 'offset'>[];
    readonly bytes: Buffer;
  } {
    const first = Math.min(...records.keys());
    // Everything before this place is kept; the rest is rewritten with the new values.
    let place = this.#recent.length;
    while (place > 0 && (this.#recent[place - 1]?.iteration ?? 0) >= first) place--;
    const rewritten = this.#recent.slice(place);
    const merged = new Map(rewritten.map(({ iteration, record }) => [iteration, record]));
    for (const [iteration, record] of records) {
      merged.set(iteration, new Map([...(merged.get(iteration) ?? []), ...record]));
    }
    const lines = [...merged]
      .map(([iteration, record]) => ({ iteration, record }))
      .sort((a, b) => a.iteration - b.iteration);
    const bytes = Buffer.from(lines.map(({ iteration, record }) => formatLine(iteration, record)).join(''));
    return { place, offset: rewritten[0]?.offset ?? this.#size, lines, bytes };
  }

  /** Merges values into lines that are no longer in memory. */
  async #addLate(records: ReadonlyMap<number, LineRecord>): Promise<void> {
    const waiting = [...records].sort(([a], [b]) => a - b);
    const boundary = this.#recent[0]?.offset ?? this.#size;
    let written = 0;
    await writeFileAtomically(this.path, async (target) => {
      let gathered = '';
      const put = async (text: string, least = COPY_BYTES): Promise<void> => {
        gathered += text;
        if (gathered.length < least) return;
        const bytes = Buffer.from(gathered);
        gathered = '';
        await writeAll(target, bytes, written);
        written += bytes.length;
      };
      const putBefore = async (end: number): Promise<void> => {
        for (let next = waiting[0]; next !== undefined && next[0] < end; next = waiting[0]) {
          waiting.shift();
          await put(formatLine(...next));
        }
      };
      if (boundary > 0) {
        for await (const text of this.#file.readLines({ start: 0, end: boundary - 1, autoClose: false })) {
          const line = parseLine(text);
          if (line !== undefined) await putBefore(line.iteration);
          const late = line?.iteration === waiting[0]?.[0] ? waiting.shift() : undefined;
          await put(
            line === undefined || late === undefined
              ? `${text}\n`
              : formatLine(line.iteration, new Map([...line.record, ...late[1]])),
          );
        }
      }
      await putBefore(Infinity);
      await put('', 0);
      await copy(this.#file, target, boundary, this.#size, written);
    });
    await this.#reopen();
    const shift = written - boundary;
    this.#recent = this.#recent.map((line) => ({ ...line, offset: line.offset + shift }));
    this.#size += shift;
  }

  /** Reopens the file, after the path was replaced by another file. */
  async #reopen(): Promise<void> {
    await this.#file.close();
    this.#file = await open(this.path, 'r+');
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
}

async function copy(from: FileHandle, to: FileHandle, start: number, end: number, position: number): Promise<void> {
  const bytes = Buffer.allocUnsafe(COPY_BYTES);
  for (let at = start; at < end;) {
    const { bytesRead } = await from.read(bytes, 0, Math.min(bytes.length, end - at), at);
    if (bytesRead === 0) return;
    await writeAll(to, bytes.subarray(0, bytesRead), position + at - start);
    at += bytesRead;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}
