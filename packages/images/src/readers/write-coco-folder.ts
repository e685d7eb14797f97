import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { HooklineError } from '@hookline/core';
import { categoryRangeError } from '../records/annotation-table.ts';
import type { DatasetRecord } from '../records/dataset-record.ts';
import type { Dataset } from './dataset.ts';
import { mapLimited } from './map-limited.ts';
import { writeCoco } from './write-coco.ts';

/** Number of files copied at a time. */
const COPIES = 8;

/**
 * Writes data sets in COCO's own layout: `annotations/instances_SPLIT.json`, and copies of the images in `SPLIT/`. If all data
 * sets have the same categories, these keep their ids; else the union of the classes is numbered from 1. If the image ids of a
 * split are not all integers, its images are numbered from 1.
 *
 * @param folder folder to write to, which is created if missing; it must be empty
 * @param splits data sets by the names of their splits
 * @returns paths of the JSON files
 * @throws HooklineError `HKL_DATA_TARGET` when the folder is not empty, `HKL_CATEGORY_RANGE` for an object whose category is not the
 * index of a class
 */
export async function writeCocoFolder(folder: string, splits: ReadonlyMap<string, Dataset>): Promise<string[]> {
  await mkdir(join(folder, 'annotations'), { recursive: true });
  if ((await readdir(folder)).length > 1 || (await readdir(join(folder, 'annotations'))).length > 0) {
    throw new HooklineError('HKL_DATA_TARGET', 'it is not empty, and its files must not be overwritten', {
      who: resolve(folder),
      fix: 'Name a new folder',
    });
  }
  const sets = [...splits.values()];
  const [first] = sets;
  const areSame = sets.every(({ metadata }) => idsOf(metadata) === idsOf((first as Dataset).metadata));
  const classes = areSame && first !== undefined ? first.metadata.classes : namesOf(sets);
  const categoryIds =
    areSame && first !== undefined ? first.metadata.categoryIds : classes.map((_, place) => place + 1);
  const written: string[] = [];
  for (const [name, { records, metadata }] of splits) {
    const images = join(folder, name);
    const names = targetsOf(records);
    const places = metadata.classes.map((each) => classes.indexOf(each));
    const areNumbers = records.every(({ imageId }) => Number.isSafeInteger(imageId));
    const json = join(folder, 'annotations', `instances_${name}.json`);
    const moved = records.map((record, place) => ({
      ...record,
      file: join(images, names[place] as string),
      imageId: areNumbers ? record.imageId : place + 1,
      annotations: record.annotations.map((object) => {
        const category = places[object.category];
        if (category === undefined) throw categoryRangeError(record.file, object.category, places.length);
        return { ...object, category };
      }),
    }));
    await mapLimited(records, COPIES, async ({ file }, place) => {
      const target = join(images, names[place] as string);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(file, target, constants.COPYFILE_EXCL);
    });
    await writeCoco(json, { records: moved, metadata: { ...metadata, classes, categoryIds } }, { images });
    written.push(json);
  }
  return written;
}

const idsOf = ({ classes, categoryIds }: Dataset['metadata']): string => JSON.stringify([classes, categoryIds]);

/** The union of the classes: in their order when a format lists them, else sorted. */
function namesOf(sets: readonly Dataset[]): string[] {
  const all = [...new Set(sets.flatMap(({ metadata }) => metadata.classes))];
  return sets.every(({ metadata }) => metadata.openClasses === true || metadata.evaluator === 'voc') ? all.sort() : all;
}

/** File names for the copies. Names that differ at most in case get a number, for file systems that ignore case. */
function targetsOf(records: readonly DatasetRecord[]): string[] {
  const taken = new Set<string>();
  return records.map(({ file }) => {
    const ending = extname(file);
    const stem = basename(file, ending);
    let name = `${stem}${ending}`;
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${stem}_${number}${ending}`;
    taken.add(name.toLowerCase());
    return name;
  });
}
