import { isAbsolute, posix, relative, resolve } from 'node:path';
import { describeCause, HooklineError } from '@hookline/core';
import type { FolderIndex } from '../folder-index.ts';
import { isObject, type Fields } from '../json-fields.ts';
import { parseJson, readText } from '../read-text.ts';
import type { FolderContents } from './data-format.ts';

/** The contents of a `data.yaml` or of Darknet's `obj.data`. */
export interface YoloDescription {
  /** Path of the description from the root of the data. */
  readonly path: string;
  readonly names: readonly string[];
  /** Locations of images as written in the description, by the name of the split. */
  readonly splits: ReadonlyMap<string, readonly string[]>;
  readonly hasKeypoints: boolean;
  readonly remarks: readonly string[];
  /** Resolves a written location to a path from the root; undefined when it does not exist. */
  readonly place: (written: string) => string | undefined;
}

const SPLITS = ['train', 'val', 'valid', 'test'];

/** Finds the descriptions in a folder. `why` says what is wrong with a description that cannot be read. */
export async function findDescriptions({
  finder: { data },
  yaml,
}: FolderContents): Promise<{ descriptions: YoloDescription[]; why: string | undefined }> {
  const isNear = (file: string): boolean => file.split('/').length <= 3;
  const files =
    yaml === undefined ? data.files.filter((file) => isNear(file) && /\.(ya?ml|data)$/i.test(file)) : [yaml];
  const descriptions: YoloDescription[] = [];
  let why: string | undefined;
  for (const path of files) {
    try {
      const text = await readText(data.at(path));
      // Imported only when the first file is read.
      const { parse } = await import('yaml');
      const fields: unknown = /\.data$/i.test(path) ? parseDarknet(text) : parse(text, { logLevel: 'error' });
      if (!isObject(fields) || !SPLITS.some((split) => split in fields)) continue;
      if (!('names' in fields) && !('nc' in fields)) continue;
      descriptions.push(await describe(data, path, fields));
    } catch (error) {
      if (error instanceof HooklineError) throw error;
      why = `${path} cannot be read: ${describeCause(error).split('\n')[0] ?? ''}`;
    }
  }
  return { descriptions, why };
}

/** Parses lines of `key = value`. */
const parseDarknet = (text: string): Fields =>
  Object.fromEntries(
    text.split(/\r?\n/).flatMap((line) => {
      const [, key, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );

async function describe(data: FolderIndex, path: string, fields: Fields): Promise<YoloDescription> {
  const splits = new Map<string, string[]>();
  for (const split of SPLITS) {
    const stated = fields[split];
    const list = (Array.isArray(stated) ? (stated as unknown[]) : [stated]).filter(
      (entry): entry is string => typeof entry === 'string' && entry.trim() !== '',
    );
    if (list.length > 0)
      splits.set(
        split,
        list.map((entry) => entry.trim()),
      );
  }
  const home = posix.dirname(path) === '.' ? '' : posix.dirname(path);
  const names = await namesOf(data, path, fields);
  const { nc } = fields;
  const count = typeof nc === 'string' ? Number(nc) : nc;
  const remarks =
    typeof count === 'number' && count !== names.length
      ? [`${path} states ${count} classes and names ${names.length}`]
      : [];
  const stated = typeof fields['path'] === 'string' ? fields['path'].replaceAll('\\', '/') : '';
  const base = stated === '' ? home : (placeOf(data, home, stated) ?? home);
  return {
    path,
    names,
    splits,
    hasKeypoints: 'kpt_shape' in fields,
    remarks,
    place: (written) =>
      placeOf(data, base, written.replaceAll('\\', '/')) ?? placeOf(data, home, written.replaceAll('\\', '/')),
  };
}

/** Resolves a folder or file of a description: from its base, or by the longest end of its path that exists. */
function placeOf(data: FolderIndex, base: string, written: string): string | undefined {
  const isThere = (path: string): boolean => path === '' || data.has(path) || hasFolder(data, path);
  const normal = (path: string): string => posix.normalize(path).replace(/^\.$|\/$|^\.\//g, '');
  const isForeign = written.startsWith('/') || /^[a-z]:\//i.test(written);
  if (isForeign && isAbsolute(written)) {
    const path = data.from(resolve(written)) ?? (relative(data.root, written) === '' ? '' : undefined);
    if (path !== undefined && isThere(path)) return path;
  }
  if (!isForeign) {
    const path = normal(posix.join(base, written));
    if (!path.startsWith('..') && isThere(path)) return path;
  }
  // Roboflow writes `../train/images` for a folder beside the file, and paths of other machines begin differently.
  const parts = written
    .replace(/^[a-z]:/i, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  for (let from = 0; from < parts.length; from++) {
    const end = parts.slice(from).join('/');
    const found = [normal(posix.join(base, end)), end].find((path) => path !== '' && isThere(path));
    if (found !== undefined) return found;
  }
  return undefined;
}

const hasFolder = (data: FolderIndex, path: string): boolean => data.files.some((file) => file.startsWith(`${path}/`));

/** The class names, from a list, a map by number, or a file with one name per line. */
async function namesOf(data: FolderIndex, path: string, { names, nc }: Fields): Promise<string[]> {
  let list: unknown[];
  if (Array.isArray(names)) list = names as unknown[];
  else if (isObject(names)) {
    list = [];
    for (const [number, name] of Object.entries(names)) {
      if (!/^\d{1,6}$/.test(number))
        throw unreadable(data.at(path), `"names" has the key "${number}", which is not the number of a class`);
      list[Number(number)] = name;
    }
  } else if (typeof names === 'string') {
    const home = posix.dirname(path);
    const file = [posix.join(home, names), posix.join(home, posix.basename(names))].find((each) => data.has(each));
    if (file === undefined) throw unreadable(data.at(path), `"names" is the file ${names}, which is not there`);
    list = linesOf(await readText(data.at(file)));
  } else list = Array.from({ length: Number(nc) || 0 }, (_, number) => String(number));
  const texts = Array.from(list, (name, number) =>
    name === undefined || name === null
      ? `class ${number}`
      : (typeof name === 'string' ? name : JSON.stringify(name)).trim(),
  );
  const twice = texts.find((name, number) => texts.indexOf(name) !== number);
  if (twice === undefined && texts.length > 0) return texts;
  if (texts.length === 0) throw unreadable(data.at(path), 'it names no class');
  throw unreadable(
    data.at(path),
    `classes ${texts.indexOf(twice ?? '')} and ${texts.lastIndexOf(twice ?? '')} are both called "${twice ?? ''}"`,
  );
}

const unreadable = (file: string, what: string): HooklineError =>
  new HooklineError('HKL_DATASET_UNREADABLE', what, {
    who: file,
    fix: 'Give "names" as a list: one name for each class, all different',
  });

const linesOf = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Class names for data without a description, from `classes.txt`, Darknet's `obj.names`, or Label Studio's `notes.json`. */
export async function namesBeside(
  data: FolderIndex,
): Promise<{ readonly names: string[] | undefined; readonly file: string | undefined }> {
  const lists = /(^|\/)(classes\.txt|predefined_classes\.txt|labels\.txt|_darknet\.labels|[^/]*\.names)$/i;
  const file = data.files.find((each) => lists.test(each));
  if (file !== undefined) return { names: linesOf(await readText(data.at(file))), file };
  const notes = data.files.find((each) => /(^|\/)notes\.json$/i.test(each));
  if (notes === undefined) return { names: undefined, file: undefined };
  const { categories } = (parseJson(await readText(data.at(notes))) ?? {}) as {
    categories?: { id: number; name: string }[];
  };
  if (!Array.isArray(categories)) return { names: undefined, file: undefined };
  return { names: [...categories].sort((a, b) => a.id - b.id).map(({ name }) => name), file: notes };
}
