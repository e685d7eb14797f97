import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The file that says how the scenes beside it were drawn. */
export const STAMP = 'drawn.json';

/** Identifies a drawing by its options and a hash of the drawing code. */
export async function makeStamp(options: object): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(import.meta.dirname)).sort())
    hash.update(name).update(await readFile(join(import.meta.dirname, name)));
  return JSON.stringify({ ...options, code: hash.digest('hex').slice(0, 16) });
}

/** Whether a folder contains the complete drawing with this stamp. */
export async function isDrawn(root: string, stamp: string): Promise<boolean> {
  try {
    return (await readFile(join(root, STAMP), 'utf8')) === stamp;
  } catch {
    return false;
  }
}
