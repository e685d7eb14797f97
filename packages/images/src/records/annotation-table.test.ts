import { classHistogram, hasTargets } from './annotation-table.ts';
import type { DatasetRecord } from './dataset-record.ts';

/** An image with objects of these categories; -1 stands for a crowd. */
const record = (...categories: readonly number[]): DatasetRecord => ({
  file: 'a.jpg',
  width: 8,
  height: 8,
  imageId: 1,
  annotations: categories.map((category, id) => ({
    id,
    box: [0, 0, 4, 4],
    category: Math.max(0, category),
    iscrowd: category < 0 ? 1 : 0,
    area: 16,
  })),
});

it('crowds are not targets and are not counted', () => {
  const records = [record(2, 0, 2), record(-1), record()];
  expect(records.map(hasTargets)).toEqual([true, false, false]);
  expect(classHistogram(records, 4)).toEqual([1, 0, 2, 0]);
});

it('a category that is not the index of a class is an error', () => {
  expect(() => classHistogram([record(0, 3)], 3)).toThrow(
    '[HKL_CATEGORY_RANGE] a.jpg: category 3 is outside of 0 to 2. Give records and metadata of the same data set',
  );
});
