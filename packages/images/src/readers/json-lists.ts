import { isAscii, isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { describeCause } from '@hookline/core';
import { Blocks, BYTE, endOfValue, isSpace, type JsonBytes, STRUCTURE } from './json-bytes.ts';
import { decodeText, parseJson } from './read-text.ts';

/** Receives the entries of one list. */
export interface ListReader {
  /** Called at the beginning of the list. If the key occurs twice, the last list counts, as in JSON.parse. */
  readonly begin: () => void;
  /**
   * Receives an entry.
   *
   * @param whole parses the entry including the key `without`; it must be called before this function returns
   */
  readonly entry: (entry: unknown, whole: () => unknown) => void;
  /** Reads entries in the usual form directly from their bytes, without creating objects. */
  readonly plain?: PlainReader;
  /** A key of the entries whose value is skipped and becomes null. Segmentations make up most of a COCO file. */
  readonly without?: string;
}

/** Reads entries in the form that most of a list has; all others are parsed as JSON. */
export interface PlainReader {
  /**
   * Reads the entry that begins at `at`.
   *
   * @returns the end of the entry; negative when it has another form, is malformed, or has not been read to its end
   */
  readonly scan: (source: JsonBytes, at: number) => number;
  /** Stores the entry that was scanned last. */
  readonly take: () => void;
}

/** Options of {@link readJsonLists}. */
export interface JsonListsOptions {
  /** Bytes that are read at a time. A single entry may be larger. @default 4 MiB */
  readonly blockBytes?: number;
  /** Bytes of entries that are parsed at a time. @default 256 KiB */
  readonly batchBytes?: number;
}

/** The top level of a JSON file: the keys of its object, with whether each value is a list. */
export type JsonTop = 'not an object' | ReadonlyMap<string, 'list' | 'other'>;

/**
 * Reads the lists at the top level of a JSON file entry by entry. The file may have any size, since only one block is in
 * memory at a time. It may be in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252, and it may contain `NaN`, see
 * {@link parseJson}. Everything outside the lists of `readers` is skipped and not validated.
 *
 * The bounds of the entries are found in the bytes, and many entries at a time are parsed by `JSON.parse`.
 *
 * @throws SyntaxError that names the entry or the position, and errors of the file system
 */
export async function readJsonLists(
  file: string,
  readers: Readonly<Record<string, ListReader>>,
  options: JsonListsOptions = {},
): Promise<JsonTop> {
  const handle = await open(file);
  try {
    return await new ListScanner(new Blocks(handle, options.blockBytes ?? 4 << 20), readers, options.batchBytes).read();
  } finally {
    await handle.close();
  }
}

/** Scans the object at the top level of a file. */
class ListScanner {
  readonly #blocks: Blocks;
  readonly #readers: Readonly<Record<string, ListReader>>;
  readonly #batchBytes: number;
  /** The next byte to look at. */
  #at = 0;
  /** Start and end of the value of `without` in the entry that was scanned last; -1 when it has none. */
  #omitted = -1;
  #omittedEnd = -1;

  constructor(blocks: Blocks, readers: Readonly<Record<string, ListReader>>, batchBytes = 256 << 10) {
    this.#blocks = blocks;
    this.#readers = readers;
    this.#batchBytes = batchBytes;
  }

  async read(): Promise<JsonTop> {
    await this.#blocks.begin();
    const top = new Map<string, 'list' | 'other'>();
    const first = await this.#peek();
    if (first === BYTE.openList || first === BYTE.quote) return 'not an object';
    if (first !== BYTE.openObject) {
      // A number or a literal is valid JSON. For anything else the parser throws.
      if (first !== undefined) parseJson(decodeText(await this.#value()));
      else throw new SyntaxError('it is empty');
      return 'not an object';
    }
    this.#at++;
    if ((await this.#peek()) === BYTE.closeObject) this.#at++;
    else
      for (;;) {
        if ((await this.#peek()) !== BYTE.quote) throw this.#unexpected('a key');
        const key = parseJson(decodeText(await this.#value())) as string;
        await this.#expect(BYTE.colon, `":" after "${key}"`);
        const isList = (await this.#peek()) === BYTE.openList;
        top.set(key, isList ? 'list' : 'other');
        if (isList) await this.#list(key, Object.hasOwn(this.#readers, key) ? this.#readers[key] : undefined);
        else await this.#value();
        if ((await this.#peek()) === BYTE.closeObject) break;
        await this.#expect(BYTE.comma, `"," or "}" after "${key}"`);
      }
    await this.#expect(BYTE.closeObject, '"}"').catch((error: unknown) => {
      if (top.size > 0) throw error;
    });
    if ((await this.#peek()) !== undefined) throw this.#unexpected('the end of the file');
    return top;
  }

  async #list(name: string, reader: ListReader | undefined): Promise<void> {
    this.#at++;
    reader?.begin();
    const without = reader?.without === undefined ? undefined : Buffer.from(`"${reader.without}"`);
    const batch = reader === undefined ? undefined : new EntryBatch(name, reader);
    if ((await this.#peek()) === BYTE.closeList) {
      this.#at++;
      return;
    }
    for (let place = 0; ; place++) {
      for (;;) {
        // Works on the bytes in memory, without awaiting anything.
        this.#skipSpaces();
        const plainEnd = reader?.plain?.scan(this.#blocks, this.#at) ?? -1;
        if (plainEnd >= 0) {
          batch?.flush();
          batch?.passOne();
          reader?.plain?.take();
          this.#at = plainEnd;
          break;
        }
        const end = this.#entryEnd(without);
        if (end >= 0) {
          batch?.add(this.#blocks.bytes, this.#at, end, this.#omitted, this.#omittedEnd);
          this.#at = end;
          break;
        }
        batch?.flush();
        if (this.#blocks.isWhole) throw new SyntaxError(`it ends within entry ${place} of "${name}"`);
        await this.#blocks.more(this.#at);
        this.#at = 0;
      }
      if (batch !== undefined && batch.size > this.#batchBytes) batch.flush();
      if (!this.#isAt(BYTE.comma) && !this.#isAt(BYTE.closeList)) {
        batch?.flush();
        await this.#peek();
        if (!this.#isAt(BYTE.comma) && !this.#isAt(BYTE.closeList))
          throw this.#unexpected(`"," or "]" after entry ${place} of "${name}"`);
      }
      if (this.#blocks.bytes[this.#at++] === BYTE.closeList) break;
    }
    batch?.flush();
  }

  #skipSpaces(): void {
    const { bytes, end } = this.#blocks;
    while (this.#at < end && isSpace(bytes[this.#at])) this.#at++;
  }

  /** The end of the entry that begins at `#at`; negative when its end has not been read yet. */
  #entryEnd(without: Buffer | undefined): number {
    const blocks = this.#blocks;
    const { bytes, end } = blocks;
    this.#omitted = this.#omittedEnd = -1;
    if (this.#at >= end) return -1;
    if (without === undefined || bytes[this.#at] !== BYTE.openObject) return endOfValue(blocks, this.#at);
    for (let at = this.#at + 1; at < end; at++) {
      const kind = STRUCTURE[bytes[at] as number];
      if (kind === 0) continue;
      if (kind === 2) return at + 1;
      const stop = endOfValue(blocks, at);
      if (stop < 0) return -1;
      if (kind === 3 && stop - at === without.length && this.#omitted < 0 && isSame(bytes, at, without)) {
        let value = stop;
        while (value < end && isSpace(bytes[value])) value++;
        if (bytes[value] === BYTE.colon) {
          value++;
          while (value < end && isSpace(bytes[value])) value++;
          const valueEnd = value < end ? endOfValue(blocks, value) : -1;
          if (valueEnd < 0) return -1;
          this.#omitted = value;
          this.#omittedEnd = valueEnd;
          at = valueEnd - 1;
          continue;
        }
      }
      at = stop - 1;
    }
    return -1;
  }

  /** Whether `byte` is the next byte in memory after any white space. */
  #isAt(byte: number): boolean {
    this.#skipSpaces();
    return this.#at < this.#blocks.end && this.#blocks.bytes[this.#at] === byte;
  }

  /** The next byte that is not white space; undefined at the end of the file. */
  async #peek(): Promise<number | undefined> {
    for (;;) {
      this.#skipSpaces();
      if (this.#at < this.#blocks.end) return this.#blocks.bytes[this.#at];
      if (this.#blocks.isWhole) return undefined;
      await this.#blocks.more(this.#at);
      this.#at = 0;
    }
  }

  async #expect(byte: number, what: string): Promise<void> {
    if ((await this.#peek()) !== byte) throw this.#unexpected(what);
    this.#at++;
  }

  /** The bytes of the next value. */
  async #value(): Promise<Buffer> {
    await this.#peek();
    for (;;) {
      const { bytes, end, isWhole } = this.#blocks;
      const stop = this.#at < end ? endOfValue(this.#blocks, this.#at) : -1;
      if (stop >= 0) {
        const value = bytes.subarray(this.#at, stop);
        this.#at = stop;
        return value;
      }
      if (isWhole) throw new SyntaxError('it ends before its object is closed');
      await this.#blocks.more(this.#at);
      this.#at = 0;
    }
  }

  #unexpected(what: string): SyntaxError {
    const { bytes, end, before, isWhole } = this.#blocks;
    if (this.#at >= end && isWhole) return new SyntaxError(`it ends where ${what} should be`);
    const found = bytes.subarray(this.#at, Math.min(end, this.#at + 12)).toString('latin1');
    return new SyntaxError(`at byte ${before + this.#at} it has ${JSON.stringify(found)} where ${what} should be`);
  }
}

/** Entries of a list that are parsed together. */
class EntryBatch {
  /** Number of bytes collected so far. */
  size = 1;
  readonly #name: string;
  readonly #reader: ListReader;
  #text = Buffer.allocUnsafe(1 << 16);
  #bytes: Buffer = Buffer.alloc(0);
  readonly #bounds: number[] = [];
  /** Number of entries before the batch. */
  #before = 0;

  constructor(name: string, reader: ListReader) {
    this.#name = name;
    this.#reader = reader;
    this.#text[0] = BYTE.openList;
  }

  add(bytes: Buffer, from: number, end: number, omitted: number, omittedEnd: number): void {
    this.#bytes = bytes;
    this.#bounds.push(from, end);
    const most = end - from + 8;
    if (this.#text.length - this.size < most) {
      const larger = Buffer.allocUnsafe(Math.max(this.#text.length * 2, this.size + most));
      this.#text.copy(larger, 0, 0, this.size);
      this.#text = larger;
    }
    const text = this.#text;
    let at = this.size;
    if (this.#bounds.length > 2) text[at++] = BYTE.comma;
    if (omitted < 0) at += bytes.copy(text, at, from, end);
    else {
      at += bytes.copy(text, at, from, omitted);
      at += text.write('null', at, 'latin1');
      at += bytes.copy(text, at, omittedEnd, end);
    }
    this.size = at;
  }

  /** Counts an entry that is not parsed by the batch; the batch must be empty. */
  passOne(): void {
    this.#before++;
  }

  /** Parses the collected entries and passes them to the reader. */
  flush(): void {
    const count = this.#bounds.length / 2;
    if (count === 0) return;
    const entries = this.#parse(count);
    for (let place = 0; place < count; place++) {
      const whole = (): unknown => this.#parseOne(place);
      this.#reader.entry(entries === undefined ? whole() : entries[place], whole);
    }
    this.#before += count;
    this.#bounds.length = 0;
    this.size = 1;
  }

  /** Parses all entries at once; undefined when one of them is not valid JSON, so that each must be parsed by itself. */
  #parse(count: number): unknown[] | undefined {
    this.#text[this.size] = BYTE.closeList;
    const bytes = this.#text.subarray(0, this.size + 1);
    if (!isUtf8(bytes)) return undefined;
    try {
      const entries = JSON.parse(bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8')) as unknown[];
      return entries.length === count ? entries : undefined;
    } catch {
      return undefined;
    }
  }

  #parseOne(place: number): unknown {
    const [from, end] = this.#bounds.slice(place * 2, place * 2 + 2);
    try {
      return parseJson(decodeText(this.#bytes.subarray(from, end)));
    } catch (cause) {
      const name = `entry ${this.#before + place} of "${this.#name}"`;
      throw new SyntaxError(`${name} is not JSON: ${describeCause(cause)}`, { cause });
    }
  }
}

function isSame(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let place = 0; place < text.length; place++) if (bytes[at + place] !== text[place]) return false;
  return true;
}
