import { basename } from 'node:path';
import { HooklineError } from '@hookline/core';

/** An entry of `datasets.train`: the training split of `data.root`, or all of it when it has no splits. */
export const ALL = 'all';

/**
 * An entry of `datasets.test`: the data held back from training. These are the validation split of `data.root`, else its test
 * split, else every fifth image of the training data, which training then leaves out.
 */
export const HELD_BACK = 'held-back';

/** The name of a data set in results and files: the name of a COCO file without folders and `.json`, else the entry itself. */
export const nameOf = (entry: string): string => basename(entry, '.json');

/** Returns the names if they are distinct, as keys of results must be. @throws HooklineError `HKL_DATASETS` if not */
export function assertDifferent(names: readonly string[]): readonly string[] {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return names;
  throw new HooklineError('HKL_DATASETS', `two of them have the name "${twice}"`, {
    who: 'datasets.test',
    fix: 'Name each once; files of one name from two folders can be registered under other names in buildCatalog',
  });
}
