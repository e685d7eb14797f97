import { fsync } from 'node:fs';
import { lstat, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemCode, writeError } from './file-error.ts';
import { claimTempName, isStaleTemp, releaseTempName } from './temp-name.ts';

/** By the descriptor, since file handles under Yarn's Plug'n'Play lack `sync`. */
const flush = promisify(fsync);

/** Error codes of systems that cannot flush folders, such as Windows. */
const NO_FOLDER_SYNC = new Set(['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF']);

/**
 * Writes a file so that its name always stands for complete contents, the old or the new, whenever the process or the
 * machine stops: into a temporary file beside it, flushed, then renamed, then the folder flushed.
 *
 * On failure the temporary file is removed; a killed process leaves it, and the next training in that folder removes it.
 *
 * @param path in a folder that exists
 * @param content the whole content, or a function that fills the empty file and need not close it
 * @returns what the function returns
 * @throws HKL_DISK_FULL, HKL_UNWRITABLE, HKL_WRITE_FAILED, or an error of ours that the function raised
 */
export async function writeFileAtomically<T = void>(
  path: string,
  content: string | Uint8Array | ((handle: FileHandle) => Promise<T>),
): Promise<T> {
  const write =
    typeof content === 'function' ? content : (handle: FileHandle) => handle.writeFile(content) as Promise<T>;
  const folder = dirname(path);
  const tempName = claimTempName(basename(path));
  const temp = join(folder, tempName);
  try {
    const handle = await open(temp, 'wx');
    let result: T;
    try {
      result = await write(handle);
      await flush(handle.fd);
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

/** How deep in a run's folder files are written. */
const DEPTH = 4;

/** Temporary files and folders below a folder that killed processes left behind, relative; none when there is no folder. */
export async function listStaleTemps(folder: string, depth = 0): Promise<string[]> {
  const stale: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const { name } = entry;
    if (!name.endsWith('.hookline-tmp')) {
      if (depth === 0 || !entry.isDirectory()) continue;
      const below = await listStaleTemps(join(folder, name), depth - 1);
      stale.push(...below.map((path) => join(name, path)));
      continue;
    }
    const found = await lstat(join(folder, name)).catch(() => undefined);
    // In a shared folder, only files of this user are touched.
    if (found === undefined || (process.geteuid !== undefined && found.uid !== process.geteuid())) continue;
    if (isStaleTemp(name, found.mtimeMs)) stale.push(name);
  }
  return stale;
}

/**
 * Removes the temporary files and folders of this user that killed processes left behind.
 *
 * @param options.below also in the folders below; default only in this one
 * @returns their paths, relative
 */
export async function removeStaleTemps(
  folder: string,
  { below = false }: { readonly below?: boolean } = {},
): Promise<string[]> {
  const stale = await listStaleTemps(folder, below ? DEPTH : 0);
  for (const name of stale) await rm(join(folder, name), { recursive: true, force: true });
  return stale;
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await flush(handle.fd);
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(systemCode(error) ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}
