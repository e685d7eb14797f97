import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HooklineError } from '@hookline/core';

/** What a folder of data holds, by name; paths start from the folder. */
export interface DataFolder {
  readonly root: string;
  /** Whether there is a folder of Pascal VOC's annotations. */
  readonly hasAnnotations: boolean;
  /** VOC's lists: the names in `ImageSets/Main`. */
  readonly lists: readonly string[];
  /** JSON files in the folder and one folder below. */
  readonly json: readonly string[];
}

/** Looks at a folder of data. @throws HooklineError `HKL_DATA_ROOT` when there is none */
export async function lookAtFolder(root: string): Promise<DataFolder> {
  if (root === '') {
    throw new HooklineError('HKL_DATA_ROOT', 'no folder of data is named', {
      who: 'data.root',
      fix: 'Name a folder in the format of Pascal VOC or COCO: --set data.root=FOLDER',
    });
  }
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new HooklineError('HKL_DATA_ROOT', found === undefined ? 'there is no such folder' : 'it is no folder', {
      who: resolve(root),
      fix: 'Name a folder in the format of Pascal VOC or COCO: --set data.root=FOLDER',
    });
  }
  const entries = await readdir(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const below = await Promise.all(
    folders.map(async (name) => prefixed(name, await filesIn(join(root, name), '.json'))),
  );
  const lists = await filesIn(join(root, 'ImageSets', 'Main'), '.txt');
  return {
    root,
    hasAnnotations: folders.includes('Annotations'),
    lists: lists.map((file) => file.slice(0, -'.txt'.length)),
    json: [...(await filesIn(root, '.json')), ...below.flat()],
  };
}

/** Names of the files with an ending, in alphabetical order; none where there is no such folder. */
async function filesIn(folder: string, ending: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(ending)).sort();
}

const prefixed = (folder: string, names: readonly string[]): string[] => names.map((name) => `${folder}/${name}`);
