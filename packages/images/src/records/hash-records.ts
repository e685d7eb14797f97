import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { eachObject, type ObjectVisitor } from './annotation-table.ts';
import type { DatasetRecord } from './dataset-record.ts';

/** Objects that are handed to the hash at a time. */
const CHUNK = 2 ** 14;
/** Box, category and flags of one object. */
const NUMBERS = 6;

/**
 * A short hash of annotations, by which runs and ranks find out that they have others: names of image files without their folders,
 * sizes, boxes, categories and crowds, in their order. It takes a quarter of a second for a data set of the size of COCO.
 */
export function hashRecords(records: readonly DatasetRecord[]): string {
  const hash = createHash('sha256');
  const chunk = new Float32Array(CHUNK * NUMBERS);
  let filled = 0;
  let names: string[] = [];
  const flush = (): void => {
    hash.update(new Uint8Array(chunk.buffer, 0, filled * chunk.BYTES_PER_ELEMENT)).update(names.join('\n'));
    filled = 0;
    names = [];
  };
  const add: ObjectVisitor = (x0, y0, x1, y1, category, flags) => {
    if (filled === chunk.length) flush();
    chunk[filled] = x0;
    chunk[filled + 1] = y0;
    chunk[filled + 2] = x1;
    chunk[filled + 3] = y1;
    chunk[filled + 4] = category;
    chunk[filled + 5] = flags;
    filled += NUMBERS;
  };
  for (const record of records) {
    // Folders have other names on other machines.
    names.push(basename(record.file));
    // So that it shows which objects belong to which image: no category is below 0.
    add(record.width, record.height, 0, 0, -1, 0);
    eachObject(record, add);
  }
  flush();
  return hash.digest('hex').slice(0, 16);
}
