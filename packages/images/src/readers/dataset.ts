import type { OptionNames } from '@hookline/core';
import type { DatasetMetadata, DatasetRecord } from '../records/dataset-record.ts';
import type { DatasetReport } from './dataset-report.ts';

/** A data set as a reader returns it. */
export interface Dataset {
  readonly records: readonly DatasetRecord[];
  readonly metadata: DatasetMetadata;
  /** What was dropped or changed while reading, and why. */
  readonly report: DatasetReport;
}

/** How much of each image is checked: all of its pixels, its header and end, or nothing, not even that it exists. */
export type ImageCheck = 'decode' | 'header' | 'none';

/** Options that every reader has. */
export interface ReaderOptions {
  /**
   * How much of each image is checked. `decode` decodes the whole image, which finds all damage. `header` reads its size and
   * format and checks its end, in about a hundredth of the time; other damage is an error when the image is used. `none`
   * does not even check that the file exists. `auto` means `decode` up to 5000 images and `header` for more.
   * @default 'auto'
   */
  readonly checkImages?: ImageCheck | 'auto';
  /** Folder that keeps a list of the images found to be sound, so that the next start need not decode them again. @default none */
  readonly remember?: string;
  /** Called after every 256 images with the number checked so far and the total. */
  readonly onProgress?: (done: number, images: number) => void;
  /** Folders outside the data's folder from which images may also be read, by absolute path, `../` or link. @default none */
  readonly outside?: readonly string[];
  /** Throw `HKL_DATASET_INVALID` when anything would have to be dropped or changed. @default false */
  readonly strict?: boolean;
}

/** Names of {@link ReaderOptions}. */
export const READER_OPTIONS = {
  checkImages: true,
  remember: true,
  onProgress: true,
  outside: true,
  strict: true,
} as const satisfies OptionNames<ReaderOptions>;
