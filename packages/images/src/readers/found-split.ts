import type { Dataset, ReaderOptions } from './dataset.ts';

/** A part of the data that is used as one: for training, for the test. */
export interface FoundSplit {
  readonly name: string;
  /** How many images there are; undefined where that is known only after reading. */
  readonly images: number | undefined;
  /** The file or folder that it is in, from the root. */
  readonly source: string;
  /** Reads it. @throws HooklineError `HKL_DATASET_UNREADABLE`, `HKL_DATASET_INVALID` */
  readonly read: (options: Omit<ReaderOptions, 'outside'>) => Promise<Dataset>;
}
