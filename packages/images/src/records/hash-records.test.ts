import { AnnotationTable } from './annotation-table.ts';
import type { DatasetAnnotation, DatasetRecord } from './dataset-record.ts';
import { hashRecords } from './hash-records.ts';

const object = (changes: Partial<DatasetAnnotation> = {}): DatasetAnnotation => ({
  ...{ id: 1, box: [1, 2, 30, 40], category: 2, iscrowd: 0, area: 100, ...changes },
});
const record = (annotations: readonly DatasetAnnotation[], changes: Partial<DatasetRecord> = {}): DatasetRecord => ({
  ...{ file: '/here/a.jpg', width: 64, height: 48, imageId: 1, annotations, ...changes },
});

describe('the hash of annotations', () => {
  it('is the same for records in a table, and for files in another folder', () => {
    const table = new AnnotationTable();
    for (const each of [object({ id: 9 }), object({ iscrowd: 1, difficult: true })]) table.add(each);
    const { annotations, ...head } = record([object(), object({ iscrowd: 1, difficult: true })], { file: '/x/a.jpg' });
    const expected = hashRecords([record(annotations)]);
    expect(hashRecords([table.record(head, 0, 2)])).toBe(expected);
    expect(expected).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ['a box', [record([object({ box: [1, 2, 30, 41] }), object()])]],
    ['a class', [record([object({ category: 3 }), object()])]],
    ['a crowd', [record([object({ iscrowd: 1 }), object()])]],
    ['a size', [record([object(), object()], { width: 65 })]],
    ['a name', [record([object(), object()], { file: '/here/b.jpg' })]],
    ['an object less', [record([object()])]],
  ])('changes with %s', (_, records) => {
    expect(hashRecords(records)).not.toBe(hashRecords([record([object(), object()])]));
  });

  it('changes when objects belong to another image', () => {
    const [one, two] = [object(), object({ id: 2 })];
    const split = (first: DatasetAnnotation[], second: DatasetAnnotation[]) =>
      hashRecords([record(first), record(second, { file: '/here/b.jpg' })]);
    expect(split([one, two], [])).not.toBe(split([], [one, two]));
  });
});
