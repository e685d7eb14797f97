import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Calls `use` with an empty folder, which is removed afterwards.
 *
 * @template T
 * @param {string} name becomes part of the folder's name
 * @param {(folder: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withTemporaryFolder(name, use) {
  const folder = await mkdtemp(join(tmpdir(), `hookline-${name}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
