import { open } from 'node:fs/promises';

/** The number of bytes that are joined before each write, because messages have many parts of a few bytes. */
const CHUNK = 1 << 20;

/** Writes a file of many parts without joining all of them in memory. */
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
