import { posix } from 'node:path';
import type { Dataset, ReaderOptions } from './dataset.ts';
import { type FolderIndex, folderOf, stemOf } from './folder-index.ts';

/** A split of the data, such as the training data or the test data. */
export interface FoundSplit {
  readonly name: string;
  /** Number of images; undefined when it is known only after reading. */
  readonly images: number | undefined;
  /** The file or folder of the split, as a path from the root. */
  readonly source: string;
  /** Reads the split. @throws HooklineError `HKL_DATASET_UNREADABLE`, `HKL_DATASET_INVALID` */
  readonly read: (options: Omit<ReaderOptions, 'outside'>) => Promise<Dataset>;
}

/** The purpose of a split. */
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

/** The word in a name that tells the role of a split: `train` of `instances_train2017`. */
const roleWord = (name: string): string | undefined =>
  name.match(/[a-z]+/gi)?.find((word) => ROLES[word.toLowerCase()] !== undefined);

/** The role of a split, judged by its name. */
export const roleOf = (name: string): SplitRole | undefined => ROLES[roleWord(name)?.toLowerCase() ?? ''];

/** The word of a path that names its split, taken from the file name, else from the nearest folder. */
const splitWord = (path: string): string | undefined => {
  for (const part of stemOf(path).split('/').reverse()) {
    const word = roleWord(part);
    if (word !== undefined) return word.toLowerCase();
  }
  return undefined;
};

/** Distinct names for splits of one file each: `train` and the like, else the names of the files, else their paths. */
export function splitNames(paths: readonly string[]): string[] {
  const areDifferent = (names: readonly (string | undefined)[]): names is string[] =>
    names.every((name) => name !== undefined) && new Set(names).size === names.length;
  const words = paths.map(splitWord);
  if (areDifferent(words)) return words;
  if (paths.length === 1) return ['all'];
  const stems = paths.map((path) => posix.basename(stemOf(path)));
  return areDifferent(stems) ? stems : [...paths];
}

/** Makes splits of one file each. Their number of images is known only after reading. */
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

/** Groups files by their outermost folder that names a split; without such folders there is one group `all`. */
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

/** The group of files outside the folders of splits. */
const REST = 'rest';

/** The role of an annotation file's split, if a folder of pictures has the same role; else undefined. */
export function roleWithFolder(data: FolderIndex, path: string): SplitRole | undefined {
  const role = roleOf(splitWord(path) ?? '');
  return role !== undefined && data.pictureFolders.some((folder) => roleOfFolder(folder) === role) ? role : undefined;
}

/** The role of a folder, judged by its innermost part that tells one. */
const roleOfFolder = (folder: string): SplitRole | undefined => roleOf(splitWord(folder) ?? '');

/** Whether a file may belong to a split with this role; it may not when its folder has another role. */
export const isOfRole = (file: string, role: SplitRole | undefined): boolean =>
  role === undefined || [undefined, role].includes(roleOfFolder(folderOf(file)));

/** Chooses, by their names, the splits to train on and those held back from training. */
export function divideSplits<S extends { readonly name: string }>(
  splits: readonly S[],
): { readonly train: readonly S[]; readonly heldBack: readonly S[] } {
  const named = (role: SplitRole): S[] => {
    const all = splits.filter(({ name }) => roleOf(name) === role);
    // Leaves out `cat_train` beside `train`: Pascal VOC also has lists for single classes.
    const exact = all.filter(({ name }) => ROLES[name.toLowerCase()] === role);
    return exact.length > 0 ? exact : all;
  };
  const isWhole = ({ name }: S): boolean => name.toLowerCase() === 'trainval';
  const [train, val, test] = [named('train'), named('val'), named('test')];
  const narrow = train.filter((split) => !isWhole(split));
  // `trainval` includes the images of `val`.
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
 * The splits that make up the data without overlap: those named train, val and test, leaving out `trainval` beside `train`;
 * else `all` if there is one; else every split.
 */
export function mainSplits<S extends { readonly name: string }>(splits: readonly S[]): readonly S[] {
  const named = splits.filter(({ name }) => ROLES[name.toLowerCase()] !== undefined);
  const isWhole = ({ name }: S): boolean => name.toLowerCase() === 'trainval';
  const narrow = named.some((split) => roleOf(split.name) === 'train' && !isWhole(split));
  if (named.length > 0) return narrow ? named.filter((split) => !isWhole(split)) : named;
  const parts = splits.filter(({ name }) => name !== 'all');
  return parts.length < splits.length ? splits.filter(({ name }) => name === 'all') : splits;
}
