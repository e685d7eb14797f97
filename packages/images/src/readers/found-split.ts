import type { Dataset, ReaderOptions } from './dataset.ts';

/** A split of the data, such as those for training and for testing. */
export interface FoundSplit {
  readonly name: string;
  /** Number of images; undefined when it is known only after reading. */
  readonly images: number | undefined;
  /** The file or folder of the split, as a path from the root. */
  readonly source: string;
  /** Reads the split. @throws HooklineError `HKL_DATASET_UNREADABLE`, `HKL_DATASET_INVALID` */
  readonly read: (options: Omit<ReaderOptions, 'outside'>) => Promise<Dataset>;
}
