import { eachTarget } from './annotation-table.ts';
import type { DatasetRecord } from './dataset-record.ts';

/** Whether a record has a training target, that is an object that is not a crowd. */
export function hasTargets(record: DatasetRecord): boolean {
  let has = false;
  eachTarget(record, () => (has = true));
  return has;
}

/** Number of objects of each class, without crowds: [classes]. */
export function classHistogram(records: readonly DatasetRecord[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const record of records) eachTarget(record, (category) => (counts[category] = (counts[category] ?? 0) + 1));
  return counts;
}

/** Groups for the option `groups` of `BatchSampler`: 1 for images wider than high, else 0. */
export function aspectRatioGroups(records: readonly { readonly width: number; readonly height: number }[]): Uint8Array {
  return Uint8Array.from(records, ({ width, height }) => (width > height ? 1 : 0));
}
