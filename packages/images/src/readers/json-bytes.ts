import type { FileHandle } from 'node:fs/promises';
import { TextDecoder } from 'node:util';

/** A window of the bytes of a JSON file: `bytes[0]` to `bytes[end - 1]`. */
export interface JsonBytes {
  readonly bytes: Buffer;
  /** The same memory as 32-bit words. */
  readonly words: Int32Array;
  readonly end: number;
  /** Whether the file ends at `end`. */
  readonly isWhole: boolean;
}

/** The structural characters of JSON. */
export const BYTE = {
  quote: 0x22,
  backslash: 0x5c,
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

/** The role of each byte: 1 opens an object or array, 2 closes one, 3 begins a string, 0 is anything else. */
export const STRUCTURE = new Uint8Array(256);
STRUCTURE[BYTE.openList] = STRUCTURE[BYTE.openObject] = 1;
STRUCTURE[BYTE.closeList] = STRUCTURE[BYTE.closeObject] = 2;
STRUCTURE[BYTE.quote] = 3;

export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The bytes of a file as UTF-8, block by block. */
export class Blocks implements JsonBytes {
  bytes: Buffer;
  words: Int32Array;
  end = 0;
  /** The number of bytes before `bytes[0]` in the file. */
  before = 0;
  isWhole = false;
  readonly #handle: FileHandle;
  readonly #block: number;
  /** Set for a file in UTF-16. */
  #decoder: TextDecoder | undefined;

  constructor(handle: FileHandle, block: number) {
    this.#handle = handle;
    this.#block = Math.max(block & ~3, 16);
    [this.bytes, this.words] = memory(this.#block);
  }

  /** Reads the first block, without its byte-order mark. */
  async begin(): Promise<void> {
    while (this.end < 4 && !this.isWhole) await this.more(0);
    const [first, second, third] = this.bytes.subarray(0, this.end);
    const [isLittle, isBig] = [first === 0xff && second === 0xfe, first === 0xfe && second === 0xff];
    if (isLittle || isBig) {
      this.#decoder = new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be');
      const raw = Buffer.from(this.bytes.subarray(0, this.end));
      this.end = 0;
      this.#append(Buffer.from(this.#decoder.decode(raw, { stream: true })));
    } else if (first === 0xef && second === 0xbb && third === 0xbf) this.#drop(3);
  }

  /** Reads more bytes and discards those before `from`: the byte at `from` moves to `bytes[0]`. */
  async more(from: number): Promise<void> {
    this.#drop(from);
    if (this.#decoder === undefined) {
      this.#reserve(this.#block >> 1);
      const { bytesRead } = await this.#handle.read(this.bytes, this.end, this.bytes.length - this.end);
      this.end += bytesRead;
      this.isWhole = bytesRead === 0;
      return;
    }
    const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(this.#block), 0, this.#block);
    this.isWhole = bytesRead === 0;
    this.#append(Buffer.from(this.#decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 })));
  }

  #append(text: Buffer): void {
    this.#reserve(text.length);
    text.copy(this.bytes, this.end);
    this.end += text.length;
  }

  #drop(bytes: number): void {
    this.bytes.copyWithin(0, bytes, this.end);
    this.end -= bytes;
    this.before += bytes;
  }

  #reserve(bytes: number): void {
    if (this.bytes.length - this.end >= bytes) return;
    const { bytes: old } = this;
    [this.bytes, this.words] = memory(Math.max(old.length * 2, this.end + bytes + 3) & ~3);
    old.copy(this.bytes, 0, 0, this.end);
  }
}

function memory(bytes: number): [Buffer, Int32Array] {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return [buffer, new Int32Array(buffer.buffer, buffer.byteOffset, bytes >> 2)];
}

/** The end of the value that begins at `at`; negative when its end has not been read yet. The value is not validated. */
export function endOfValue({ bytes, words, end, isWhole }: JsonBytes, at: number): number {
  const kind = STRUCTURE[bytes[at] as number];
  if (kind === 3) return endOfText(bytes, at, end);
  if (kind === 0) {
    let stop = at;
    while (stop < end && !isSpace(bytes[stop]) && bytes[stop] !== BYTE.comma && STRUCTURE[bytes[stop] as number] !== 2)
      stop++;
    return stop < end || isWhole ? stop : -1;
  }
  const lastWord = (end >> 2) - 1;
  for (let depth = 0; at < end; at++) {
    const next = STRUCTURE[bytes[at] as number];
    if (next === 0) {
      if ((at & 3) !== 3) continue;
      let word = (at >> 2) + 1;
      while (word <= lastWord && isPlain(words[word] as number)) word++;
      at = word * 4 - 1;
    } else if (next === 1) depth++;
    else if (next === 3) {
      const stop = endOfText(bytes, at, end);
      if (stop < 0) return -1;
      at = stop - 1;
    } else if (--depth <= 0) return at + 1;
  }
  return -1;
}

/**
 * Whether four bytes certainly contain no bracket and no quote, which holds for most of a file. Brackets have the bit 0x40
 * set, and XOR turns a quote into a zero byte.
 */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222;
  return ((word & 0x40404040) | ((quotes - 0x01010101) & ~quotes & 0x80808080)) === 0;
}

function endOfText(bytes: Buffer, at: number, end: number): number {
  for (at++; at < end; at++) {
    const byte = bytes[at];
    if (byte === BYTE.quote) return at + 1;
    if (byte === BYTE.backslash) at++;
  }
  return -1;
}
