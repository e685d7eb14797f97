import { posix } from 'node:path';
import { type FolderIndex, folderOf, stemOf } from './folder-index.ts';
import type { FoundSplit } from './found-split.ts';

/** What a split is for. */
export type SplitRole = 'train' | 'val' | 'test';

const ROLES: Readonly<Record<string, SplitRole>> = {
  train: 'train',
  training: 'train',
  trainval: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
};

/** The word in a name that says what a split is for: `train` of `instances_train2017`. */
const roleWord = (name: string): string | undefined =>
  name.match(/[a-z]+/gi)?.find((word) => ROLES[word.toLowerCase()] !== undefined);

/** What a split is for, by its name. */
export const roleOf = (name: string): SplitRole | undefined => ROLES[roleWord(name)?.toLowerCase() ?? ''];

/** The word of a path that names its split: that of the file, else that of the nearest folder. */
const splitWord = (path: string): string | undefined => {
  for (const part of stemOf(path).split('/').reverse()) {
    const word = roleWord(part);
    if (word !== undefined) return word.toLowerCase();
  }
  return undefined;
};

/** Names for splits that are a file each, all different: `train`, else the name of the file, else its path. */
export function splitNames(paths: readonly string[]): string[] {
  const areDifferent = (names: readonly (string | undefined)[]): names is string[] =>
    names.every((name) => name !== undefined) && new Set(names).size === names.length;
  const words = paths.map(splitWord);
  if (areDifferent(words)) return words;
  if (paths.length === 1) return ['all'];
  const stems = paths.map((path) => posix.basename(stemOf(path)));
  return areDifferent(stems) ? stems : [...paths];
}

/** Splits that are a file each; how many images a file lists is known only after reading. */
export function splitPerFile(
  paths: readonly string[],
  read: (path: string, options: Parameters<FoundSplit['read']>[0]) => ReturnType<FoundSplit['read']>,
): FoundSplit[] {
  const names = splitNames(paths);
  return paths.map((path, place) => ({
    name: names[place] as string,
    images: undefined,
    source: path,
    read: (options) => read(path, options),
  }));
}

/** Files in groups by the outermost of their folders that names a split; one group `all` where there is none. */
export function groupBySplit(paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1);
    const split = folders.find((folder) => ROLES[folder.toLowerCase().replace(/\d+$/, '')] !== undefined) ?? REST;
    const group = groups.get(split);
    if (group === undefined) groups.set(split, [path]);
    else group.push(path);
  }
  const rest = groups.get(REST);
  if (rest === undefined || groups.size > 1) return groups;
  return new Map([['all', rest]]);
}

/** Files beside the folders of splits, which are a part of none. */
const REST = 'rest';

/** What the split of an annotation file is for, where there are pictures in a folder that is called so. */
export function roleWithFolder(data: FolderIndex, path: string): SplitRole | undefined {
  const role = roleOf(splitWord(path) ?? '');
  return role !== undefined && data.pictureFolders.some((folder) => roleOfFolder(folder) === role) ? role : undefined;
}

/** What the pictures of a folder are for, by the innermost of its names that says so. */
const roleOfFolder = (folder: string): SplitRole | undefined => roleOf(splitWord(folder) ?? '');

/** Whether a file may belong to a split: not where its folder names another one. */
export const isOfRole = (file: string, role: SplitRole | undefined): boolean =>
  role === undefined || [undefined, role].includes(roleOfFolder(folderOf(file)));

/** The splits to train on, and the ones that training leaves out, by their names. */
export function divideSplits<S extends { readonly name: string }>(
  splits: readonly S[],
): { readonly train: readonly S[]; readonly heldBack: readonly S[] } {
  const named = (role: SplitRole): S[] => {
    const all = splits.filter(({ name }) => roleOf(name) === role);
    // Not `cat_train` beside `train`: Pascal VOC has lists of each class, too.
    const exact = all.filter(({ name }) => ROLES[name.toLowerCase()] === role);
    return exact.length > 0 ? exact : all;
  };
  const isWhole = ({ name }: S): boolean => name.toLowerCase() === 'trainval';
  const [train, val, test] = [named('train'), named('val'), named('test')];
  const narrow = train.filter((split) => !isWhole(split));
  // `trainval` has the images of `val`, too.
  const pairs = [
    [narrow, val],
    [train.filter(isWhole), test],
    [narrow, test],
  ] as const;
  const pair = pairs.find(([learnt, held]) => learnt.length > 0 && held.length > 0);
  if (pair !== undefined) return { train: pair[0], heldBack: pair[1] };
  const whole = splits.filter(({ name }) => name === 'all');
  if (whole.length > 0) return { train: whole, heldBack: [] };
  const rest =
    narrow.length > 0 ? narrow : train.length > 0 ? train : splits.filter(({ name }) => roleOf(name) !== 'test');
  return { train: rest.length > 0 ? rest : splits, heldBack: [] };
}

/**
 * The splits that make up the data, each object in one of them: those that are called train, val and test, else all that
 * there are. Not `trainval` beside `train`, and neither lists of single classes nor `all` beside them.
 */
export function mainSplits<S extends { readonly name: string }>(splits: readonly S[]): readonly S[] {
  const named = splits.filter(({ name }) => ROLES[name.toLowerCase()] !== undefined);
  const isWhole = ({ name }: S): boolean => name.toLowerCase() === 'trainval';
  const narrow = named.some((split) => roleOf(split.name) === 'train' && !isWhole(split));
  if (named.length > 0) return narrow ? named.filter((split) => !isWhole(split)) : named;
  const parts = splits.filter(({ name }) => name !== 'all');
  return parts.length < splits.length ? splits.filter(({ name }) => name === 'all') : splits;
}
