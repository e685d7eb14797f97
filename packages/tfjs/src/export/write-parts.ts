import { open } from 'node:fs/promises';

/** Bytes that are put together before they are written: messages have many parts of a few bytes. */
const CHUNK = 1 << 20;

/** Writes a file of many parts, without joining them all in memory. */
export async function writeParts(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w');
  try {
    let held: Uint8Array[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      if (size > 0) await file.writeFile(Buffer.concat(held));
      [held, size] = [[], 0];
    };
    for (const part of parts) {
      held.push(part);
      size += part.length;
      if (size >= CHUNK) await flush();
    }
    await flush();
  } finally {
    await file.close();
  }
}
