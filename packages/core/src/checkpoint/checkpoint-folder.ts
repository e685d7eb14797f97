import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeCause, HooklineError } from '../errors.ts';
import { writeFileAtomically } from '../files/atomic-file.ts';
import { systemCode } from '../files/file-error.ts';

/** The extension of checkpoint files. */
export const CHECKPOINT_EXTENSION = '.safetensors';

const TAG_FILE = 'last_checkpoint';

/**
 * Name, without folder, of the checkpoint to resume from; undefined when none was tagged.
 * @throws HKL_CHECKPOINT_TAG when the tag holds no plain file name, HKL_CHECKPOINT_UNREADABLE
 */
export async function readTag(folder: string): Promise<string | undefined> {
  const path = join(folder, TAG_FILE);
  let name: string;
  try {
    name = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw unreadable(path, cause);
  }
  return checkedBasename(name, path);
}

/**
 * Tags a checkpoint of this folder as the one to resume from, atomically.
 * @param basename name of the file, without folder
 * @throws HKL_CHECKPOINT_TAG, HKL_UNWRITABLE, HKL_DISK_FULL, HKL_WRITE_FAILED
 */
export async function writeTag(folder: string, basename: string): Promise<void> {
  const path = join(folder, TAG_FILE);
  await writeFileAtomically(path, checkedBasename(basename, path));
}

/** Names of the checkpoints in a folder, sorted; none when there is no folder. @throws HKL_CHECKPOINT_UNREADABLE */
export async function listCheckpoints(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(
        (entry) => entry.name.endsWith(CHECKPOINT_EXTENSION) && !entry.name.startsWith('.') && !entry.isDirectory(),
      )
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw unreadable(folder, cause);
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}

function checkedBasename(name: string, tagPath: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must not be there
  if (typeof name === 'string' && name !== '' && !/[/\\\u0000-\u001f]/.test(name) && name !== '.' && name !== '..')
    return name;
  throw new HooklineError('HKL_CHECKPOINT_TAG', `${JSON.stringify(name)} is no name of a file in this folder`, {
    who: tagPath,
    fix: 'Tag a checkpoint by its name without folder, or remove the tag',
  });
}

function unreadable(path: string, cause: unknown): HooklineError {
  return new HooklineError('HKL_CHECKPOINT_UNREADABLE', `it cannot be read: ${describeCause(cause)}`, {
    who: path,
    fix: 'Check that it may be read',
    cause,
  });
}
