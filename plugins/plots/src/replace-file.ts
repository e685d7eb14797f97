import { rename, rm, writeFile } from 'node:fs/promises';

/** Replaces a file so that whoever looks sees either the old or the new one, whole. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
