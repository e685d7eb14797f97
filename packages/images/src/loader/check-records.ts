import { HooklineError } from '@hookline/core';
import { isOfTable } from '../records/annotation-table.ts';
import type { DatasetRecord } from '../records/dataset-record.ts';
import { checkBox } from '../readers/check-box.ts';
import { ProblemList } from '../readers/dataset-report.ts';

/**
 * Checks records, which may be handwritten. An invalid one would otherwise fail, or be skipped, in the middle of a training.
 *
 * @throws HooklineError `HKL_DATA_RECORD` with the first fault and the file of its record
 */
export function checkRecords(records: readonly DatasetRecord[]): void {
  for (const [place, record] of records.entries()) {
    const { file, width, height } = record;
    if (typeof file !== 'string' || file === '') throw broken(`record ${place}`, 'it has no file');
    if (![width, height].every((length) => Number.isInteger(length) && length > 0))
      throw broken(file, `its record says ${width}x${height}, which is not a size in pixels`);
    // Records in a table come from a reader, which has checked them.
    if (isOfTable(record)) continue;
    for (const { id, box, category } of record.annotations) {
      const what = `annotation ${id}`;
      if (!Number.isInteger(category) || category < 0)
        throw broken(file, `${what}: category ${category} is not a whole number from 0 up`);
      const problems = new ProblemList();
      const kept = checkBox(box, record, () => `${what}: box [${box.join(', ')}]`, file, problems);
      // A box that only needs clipping is valid.
      if (kept === undefined) throw broken(file, problems.problems[0]?.message ?? `${what}: its box is broken`);
    }
  }
}

const broken = (file: string, what: string): HooklineError =>
  new HooklineError('HKL_DATA_RECORD', what, {
    who: file,
    fix: 'Fix the record; readCoco and readVoc leave out and report invalid images and objects',
  });
