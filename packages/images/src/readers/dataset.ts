import type { OptionNames } from '@hookline/core';
import type { DatasetMetadata, DatasetRecord } from '../records/dataset-record.ts';
import type { DatasetReport } from './dataset-report.ts';

/** A data set as a reader gives it. */
export interface Dataset {
  readonly records: readonly DatasetRecord[];
  readonly metadata: DatasetMetadata;
  /** What was dropped or changed on the way, and why. */
  readonly report: DatasetReport;
}

/** How much of each image is looked at: all of it, its size and kind and end, or not even whether it exists. */
export type ImageCheck = 'decode' | 'header' | 'none';

/** Options that every reader has. */
export interface ReaderOptions {
  /**
   * How much of each image is looked at. `decode` reads all of it, which finds every damage; `header` its size, its kind
   * and whether it has an end, at about a hundredth of the time: other damage is an error when the image is used. `none`
   * looks not even whether it exists. `auto` decodes up to 5000 images, and of more it reads the headers.
   * @default 'auto'
   */
  readonly checkImages?: ImageCheck | 'auto';
  /** Folder in which images that were decoded, and are sound, are remembered, so that they are not decoded at the next start. @default none */
  readonly remember?: string;
  /** Is told how many images have been looked at, from time to time. */
  readonly onProgress?: (done: number, images: number) => void;
  /** Folders outside of that of the data from which images may be read, by absolute path, `../` or link. @default none */
  readonly outside?: readonly string[];
  /** Refuse data of which anything would have to be dropped or changed. @default false */
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
