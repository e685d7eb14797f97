import { basename } from 'node:path';
import { HooklineError } from '@hookline/core';

/** As an entry of `datasets.train`: what `data.root` has for training, which is all of it where it has no splits. */
export const ALL = 'all';

/**
 * As an entry of `datasets.test`: what `data.root` holds back from training, which is its split for validation, else
 * that for the test; where it has neither, every fifth image of the training data, which training then leaves out.
 */
export const HELD_BACK = 'held-back';

/** What results and files of a data set are called: a COCO file's name without folders and ending, else the entry. */
export const nameOf = (entry: string): string => basename(entry, '.json');

/** The names, which results are kept by. @throws HooklineError `HKL_DATASETS` when two are the same */
export function assertDifferent(names: readonly string[]): readonly string[] {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return names;
  throw new HooklineError('HKL_DATASETS', `two of them have the name "${twice}"`, {
    who: 'datasets.test',
    fix: 'Name each once; files of one name from two folders can be registered under other names in buildCatalog',
  });
}
