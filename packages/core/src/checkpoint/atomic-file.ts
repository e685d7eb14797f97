import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode, writeError } from './file-error.ts';
import { claimTempName, isStaleTemp, releaseTempName } from './temp-name.ts';

/** What systems answer that cannot flush folders, as Windows. */
const NO_FOLDER_SYNC = new Set(['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF']);

/**
 * Writes a file so that its name always stands for complete contents, the old or the new, whenever the process or the
 * machine stops: into a temporary file beside it, flushed, then renamed, then the folder flushed.
 *
 * On failure the temporary file is removed; a killed process leaves it, see `removeStaleTemps`.
 *
 * @param path in a folder that exists
 * @param write fills the empty file; need not close it
 * @throws HKL_DISK_FULL, HKL_UNWRITABLE, HKL_WRITE_FAILED, or an error of ours that `write` raised
 */
export async function writeFileAtomically<T>(path: string, write: (handle: FileHandle) => Promise<T>): Promise<T> {
  const folder = dirname(path);
  const tempName = claimTempName(basename(path));
  const temp = join(folder, tempName);
  try {
    const handle = await open(temp, 'wx');
    let result: T;
    try {
      result = await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
    await syncFolder(folder);
    return result;
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  } finally {
    releaseTempName(tempName);
  }
}

/** Writes all bytes from `position` on, however many calls the system takes for it. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Fills `bytes` from `position` on; returns how many there were before the end of the file. */
export async function readFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Names of the temporary files in a folder that killed processes left behind; none when there is no folder. */
export async function listStaleTemps(folder: string): Promise<string[]> {
  const stale: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith('.hookline-tmp')) continue;
    const modified = await stat(join(folder, name)).catch(() => undefined);
    if (modified !== undefined && isStaleTemp(name, modified.mtimeMs)) stale.push(name);
  }
  return stale;
}

/** Removes the temporary files that killed processes left behind; returns their names. */
export async function removeStaleTemps(folder: string): Promise<string[]> {
  const stale = await listStaleTemps(folder);
  for (const name of stale) await rm(join(folder, name), { force: true });
  return stale;
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(systemCode(error) ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}
