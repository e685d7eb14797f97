import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './file-error.ts';

/**
 * Makes a folder and those above it. (Node's own recursive `mkdir` tries for ever where the parent exists and creating
 * fails with ENOENT, as below `/proc` or on a network share that is gone.)
 *
 * @throws what the system says, such as `ENOTDIR` or `EACCES`
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeLast(path);
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) throw error;
    // Another caller may have made the parent after the first attempt; then the second one works.
    if (!(await isFolder(parent))) await makeFolder(parent);
    await makeLast(path);
  }
}

/** Makes one folder, unless it is there. */
async function makeLast(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!(await isFolder(path))) throw error;
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
