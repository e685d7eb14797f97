import { HooklineError } from '@hookline/core';
import type { DatasetAnnotation, DatasetRecord } from './dataset-record.ts';

/** A record without its objects. */
export type RecordHead = Omit<DatasetRecord, 'annotations'>;

/** The rows of a record's objects. */
interface Rows {
  readonly table: AnnotationTable;
  readonly first: number;
  readonly count: number;
}

/** Key set on records of a table. It is not enumerable, so that a copy of a record is an ordinary object. */
const ROWS = Symbol('rows');

/**
 * Stores the objects of a data set as numbers in a few arrays, at 54 bytes each. JavaScript objects would take three times as
 * much and burden every garbage collection.
 */
export class AnnotationTable {
  length = 0;
  #ids = new Float64Array(16);
  #boxes = new Float64Array(64);
  #areas = new Float64Array(16);
  #categories = new Int32Array(16);
  /** Bit flags: 1 for a crowd, 2 for a difficult object. */
  #flags = new Uint8Array(16);

  /** Adds an object. */
  add({ id, box, area, category, iscrowd, difficult }: DatasetAnnotation): void {
    const row = this.length++;
    if (row === this.#ids.length) this.#resize(row * 2);
    this.#ids[row] = id;
    this.#boxes.set(box, row * 4);
    this.#areas[row] = area;
    this.#categories[row] = category;
    this.#flags[row] = flagsOf(iscrowd, difficult);
  }

  /** Frees the memory reserved for more objects. */
  trim(): void {
    this.#resize(this.length);
  }

  /** Makes a record whose objects are the `count` rows from `first` on. Its `annotations` are created on each access. */
  record(head: RecordHead, first: number, count: number): DatasetRecord {
    const record = { ...head };
    Object.defineProperty(record, ROWS, { value: { table: this, first, count } satisfies Rows });
    // A shared descriptor keeps all records in one hidden class of the engine.
    return Object.defineProperty(record, 'annotations', ANNOTATIONS) as DatasetRecord;
  }

  /** Sets the id of an object that has none yet, which is stored as 0. */
  numberIfNone(row: number, id: number): void {
    if (this.#ids[row] === 0) this.#ids[row] = id;
  }

  /** @internal */
  annotations(first: number, count: number): DatasetAnnotation[] {
    const annotations: DatasetAnnotation[] = [];
    for (let row = first; row < first + count; row++) annotations.push(this.#annotation(row));
    return annotations;
  }

  /** @internal The category of a row, or -1 for a crowd, without creating an object. */
  target(row: number): number {
    return ((this.#flags[row] as number) & 1) === 1 ? -1 : (this.#categories[row] as number);
  }

  /** @internal */
  visit(row: number, see: ObjectVisitor): void {
    const [at, boxes] = [row * 4, this.#boxes];
    see(
      boxes[at] as number,
      boxes[at + 1] as number,
      boxes[at + 2] as number,
      boxes[at + 3] as number,
      this.#categories[row] as number,
      this.#flags[row] as number,
    );
  }

  #annotation(row: number): DatasetAnnotation {
    const at = row * 4;
    const [boxes, flags] = [this.#boxes, this.#flags[row] as number];
    return {
      id: this.#ids[row] as number,
      box: [boxes[at] as number, boxes[at + 1] as number, boxes[at + 2] as number, boxes[at + 3] as number],
      category: this.#categories[row] as number,
      iscrowd: (flags & 1) as 0 | 1,
      area: this.#areas[row] as number,
      ...((flags & 2) === 2 && { difficult: true as const }),
    };
  }

  #resize(rows: number): void {
    this.#ids = resized(this.#ids, rows);
    this.#boxes = resized(this.#boxes, rows * 4);
    this.#areas = resized(this.#areas, rows);
    this.#categories = resized(this.#categories, rows);
    this.#flags = resized(this.#flags, rows);
  }
}

const ANNOTATIONS: PropertyDescriptor = {
  enumerable: true,
  get(this: { readonly [ROWS]: Rows }): readonly DatasetAnnotation[] {
    const { table, first, count } = this[ROWS];
    // Frozen, because changes to this copy would be lost.
    return Object.freeze(table.annotations(first, count));
  },
};

/** Whether a record belongs to a table; then nobody can have changed its objects. */
export const isOfTable = (record: DatasetRecord): boolean => ROWS in record;

/** Calls `visit` with the category of each target of a record; crowds are not targets. */
export function eachTarget(record: DatasetRecord, visit: (category: number) => void): void {
  const rows = (record as { readonly [ROWS]?: Rows })[ROWS];
  if (rows === undefined) {
    for (const { category, iscrowd } of record.annotations) if (iscrowd === 0) visit(category);
    return;
  }
  const { table, first, count } = rows;
  for (let row = first; row < first + count; row++) {
    const category = table.target(row);
    if (category >= 0) visit(category);
  }
}

/** Whether a record has a training target, that is an object that is not a crowd. */
export function hasTargets(record: DatasetRecord): boolean {
  let has = false;
  eachTarget(record, () => (has = true));
  return has;
}

/**
 * Counts the objects of each class; crowds are left out.
 *
 * @param classes number of classes
 * @returns one count for each class index
 * @throws HooklineError `HKL_CATEGORY_RANGE` with the image file of an object whose category is not the index of a class
 */
export function classHistogram(records: readonly DatasetRecord[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const record of records) {
    eachTarget(record, (category) => {
      const before = counts[category];
      if (before === undefined) throw categoryRangeError(record.file, category, classes);
      counts[category] = before + 1;
    });
  }
  return counts;
}

/** The error of an object whose category is not the index of a class. */
export const categoryRangeError = (who: string, category: number, classes: number): HooklineError =>
  new HooklineError('HKL_CATEGORY_RANGE', `category ${category} is outside of 0 to ${classes - 1}`, {
    who,
    fix: 'Give records and metadata of the same data set',
  });

/** Receives an object's edges in pixels, its category, and its flags: 1 for a crowd, 2 for a difficult object. */
export type ObjectVisitor = (x0: number, y0: number, x1: number, y1: number, category: number, flags: number) => void;

/** Calls `see` with each object of a record, without creating JavaScript objects for those in a table. */
export function eachObject(record: DatasetRecord, see: ObjectVisitor): void {
  const rows = (record as { readonly [ROWS]?: Rows })[ROWS];
  if (rows === undefined) {
    for (const { box, category, iscrowd, difficult } of record.annotations)
      see(...box, category, flagsOf(iscrowd, difficult));
    return;
  }
  const { table, first, count } = rows;
  for (let row = first; row < first + count; row++) table.visit(row, see);
}

const flagsOf = (iscrowd: 0 | 1, difficult: boolean | undefined): number => iscrowd | (difficult === true ? 2 : 0);

function resized<A extends Float64Array | Int32Array | Uint8Array>(array: A, length: number): A {
  if (array.length === length) return array;
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array.subarray(0, Math.min(length, array.length)));
  return larger;
}
