import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../files/atomic-file.ts';

/** Large enough that the cost of a call does not matter, small enough that other work gets its turn. */
export const CHUNK_BYTES = 4 * 2 ** 20;

/** Writes large arrays from where they are, and gathers small ones, of which models have many. */
export async function writeData(
  handle: FileHandle,
  start: number,
  arrays: Iterable<Uint8Array>,
  hash: Hash,
): Promise<void> {
  const gathered = Buffer.allocUnsafe(CHUNK_BYTES);
  let waiting = 0;
  let position = start;
  const write = async (bytes: Uint8Array): Promise<void> => {
    const writing = writeFully(handle, bytes, position);
    position += bytes.length;
    // Hashing runs while the system writes.
    hash.update(bytes);
    await writing;
  };
  const flush = async (): Promise<void> => {
    if (waiting > 0) await write(gathered.subarray(0, waiting));
    waiting = 0;
  };
  for (const array of arrays) {
    if (waiting + array.length > CHUNK_BYTES) await flush();
    if (array.length < CHUNK_BYTES) {
      gathered.set(array, waiting);
      waiting += array.length;
    } else {
      for (let at = 0; at < array.length; at += CHUNK_BYTES) await write(array.subarray(at, at + CHUNK_BYTES));
    }
  }
  await flush();
}
