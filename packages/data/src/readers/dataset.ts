import type { OptionNames } from '@hookline/core';
import type { DatasetMetadata, DatasetRecord } from '../catalog/dataset-record.ts';
import type { DatasetReport } from './dataset-report.ts';

/** A data set as a reader gives it. */
export interface Dataset {
  readonly records: readonly DatasetRecord[];
  readonly metadata: DatasetMetadata;
  /** What was dropped or changed on the way, and why. */
  readonly report: DatasetReport;
}

/** Options that every reader has. */
export interface ReaderOptions {
  /**
   * How much of each image is looked at. `decode` reads all of it, which finds truncated ones; `header` its size and
   * kind; `none` not even whether it exists.
   * @default 'decode'
   */
  readonly checkImages?: 'decode' | 'header' | 'none';
  /** Folders outside of that of the data from which images may be read, by absolute path, `../` or link. @default none */
  readonly outside?: readonly string[];
  /** Refuse data of which anything would have to be dropped or changed. @default false */
  readonly strict?: boolean;
}

/** Names of {@link ReaderOptions}. */
export const READER_OPTIONS = {
  checkImages: true,
  outside: true,
  strict: true,
} as const satisfies OptionNames<ReaderOptions>;
