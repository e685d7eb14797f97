import type { FileHandle } from 'node:fs/promises';

/** A line of a file. */
export interface FileLine {
  /** Offset of its first byte. */
  readonly offset: number;
  /** The bytes, including the newline if there is one. */
  readonly text: string;
  /** Whether the newline is missing: the process that wrote it was killed, or is still writing. */
  readonly isTorn: boolean;
}

const BLOCK_BYTES = 2 ** 20;
const MAX_LINE_BYTES = 64 * 2 ** 20;
const NEWLINE = 10;

/**
 * Yields the lines of a file, the last one first, with only one block of the file in memory.
 *
 * @param size size of the file, where reading starts
 * @throws Error for a line of more than 64 MiB
 */
export async function* linesFromEnd(file: FileHandle, size: number): AsyncGenerator<FileLine> {
  /** Bytes that were read but not yielded yet: the file from `start` on. */
  let rest = Buffer.alloc(0);
  let start = size;
  for (;;) {
    // The newline that ends the line before the last one.
    const before = rest.length < 2 ? -1 : rest.lastIndexOf(NEWLINE, rest.length - 2);
    if (before >= 0 || start === 0) {
      if (rest.length === 0) return;
      const line = rest.subarray(before + 1);
      rest = rest.subarray(0, before + 1);
      yield { offset: start + before + 1, text: line.toString('utf8'), isTorn: line.at(-1) !== NEWLINE };
      continue;
    }
    if (rest.length > MAX_LINE_BYTES)
      throw new Error('it holds a line of more than 64 MiB, so it is not a file of metrics');
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, start));
    start -= block.length;
    let read = 0;
    while (read < block.length) {
      const { bytesRead } = await file.read(block, read, block.length - read, start + read);
      if (bytesRead === 0) throw new Error('it was truncated while it was read');
      read += bytesRead;
    }
    rest = Buffer.concat([block, rest]);
  }
}
