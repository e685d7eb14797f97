import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type HooklineError, isHooklineError, suggestName } from '@hookline/core';
import {
  classHistogram,
  type Dataset,
  describeFormat,
  findFormats,
  FORMAT_NAMES,
  type FormatName,
  formatReport,
  inputSides,
  mainSplits,
  remarksOnTest,
  remarksOnTraining,
  roleOf,
  sameImages,
  writeCocoFolder,
} from '@hookline/images';
import type { CommandLine } from './command-line.ts';
import { drawData } from './draw-data.ts';
import { EXIT } from './exit-status.ts';
import { line, shown } from './output-files.ts';
import { print } from './print.ts';
import { columns } from './table.ts';
import { usageError } from './usage-error.ts';

/** Files of each kind of finding that are named. */
const FILES = 5;

/** Pixels of an object's shorter side that a DetectionTrainer leaves out, and that a small network sees well. */
const DROPPED = 2;
const SEEN = 8;
/** Share of the objects that a stated size must keep: the others may be small by mistake. */
const SHARE = 0.95;

/** `hookline data`: says what a folder of data is, and draws or converts it. @returns the exit status */
export async function data({ file: folder, images: [target], text, flag }: CommandLine): Promise<number> {
  const format = formatOf(text.format);
  assertTarget(text.to, target);
  const found = (
    await findFormats(folder, {
      format,
      outside: (text.outside ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [resolve(each.trim())])),
      ...(text.images !== undefined && { images: resolve(text.images) }),
    })
  ).only();
  if (!flag.json) print(`${shown(resolve(folder))}: ${describeFormat(found)}`);
  const splits = new Map<string, Dataset>();
  // The pixels are looked at when a training begins.
  const unread: HooklineError[] = [];
  for (const split of mainSplits(found.splits)) {
    try {
      splits.set(split.name, await split.read({ checkImages: 'header' }));
    } catch (error) {
      if (!isHooklineError(error, 'HKL_DATASET_UNREADABLE')) throw error;
      unread.push(error);
    }
  }
  // One that cannot be used, such as images for a test without labels, does not hide the others.
  if (splits.size === 0 && unread[0] !== undefined) throw unread[0];
  const shared = await sharedImages(splits);
  const told = remarksOn(splits);
  if (!flag.json) {
    for (const remark of [...found.remarks, ...unread.map(({ message }) => message)]) print(remark);
    print(`\n${tableOf(splits)}\n`);
    for (const { report } of splits.values())
      if (report.problems.length > 0) print(formatReport(report, { files: FILES }));
    for (const { between, count } of shared) {
      const [are, them] = count === 1 ? ['image is', 'it'] : ['images are', 'them'];
      print(`${count} ${are} in both ${between.join(' and ')}: a test with ${them} says too much`);
    }
    for (const remark of told) print(remark);
  }
  const files: Record<string, readonly string[]> = {};
  if (text.pictures !== undefined) {
    await mkdir(dirname(text.pictures), { recursive: true });
    await drawData(text.pictures, splits);
    files['pictures'] = [text.pictures];
  }
  if (target !== undefined) files['coco'] = await writeCocoFolder(target, splits);
  if (flag.json) {
    const list = [...splits].map(([name, set]) => ({ name, ...countsOf(set), problems: set.report.problems }));
    const { format: name, title } = found;
    const remarks = [...found.remarks, ...told];
    const unreadable = unread.map(({ message }) => message);
    print(JSON.stringify({ folder, format: name, title, remarks, splits: list, unreadable, shared, files }));
  } else for (const [kind, paths] of Object.entries(files)) for (const path of paths) print(line(kind, resolve(path)));
  return EXIT.ok;
}

function formatOf(name: string | undefined): FormatName | 'auto' {
  if (name === undefined) return 'auto';
  const known = FORMAT_NAMES.find((each) => each === name);
  if (known !== undefined) return known;
  const near = suggestName(name, FORMAT_NAMES);
  throw usageError(
    `--format ${name} is no format`,
    `${near === undefined ? '' : `Did you mean ${near}? `}Known: ${FORMAT_NAMES.join(', ')}`,
  );
}

function assertTarget(to: string | undefined, target: string | undefined): void {
  if (to !== undefined && to !== 'coco') throw usageError(`--to ${to} cannot be written`, 'Write --to coco DIR');
  if (to !== undefined && target === undefined)
    throw usageError('--to needs a folder to write to', 'Write --to coco DIR');
  if (to === undefined && target !== undefined)
    throw usageError(`"${target}" is too much`, `To write the data there: --to coco ${target}`);
}

/** What a split has. */
interface Counts {
  readonly images: number;
  readonly withoutObjects: number;
  readonly objects: number;
  /** Objects by class. */
  readonly classes: Readonly<Record<string, number>>;
  /** Images and objects that were left out. */
  readonly droppedImages: number;
  readonly droppedObjects: number;
}

function countsOf({ records, metadata, report }: Dataset): Counts {
  const counts = classHistogram(records, metadata.classes.length);
  return {
    images: records.length,
    withoutObjects: records.filter(({ annotations }) => annotations.length === 0).length,
    objects: report.keptAnnotations,
    classes: Object.fromEntries(metadata.classes.map((name, category) => [name, counts[category] ?? 0])),
    droppedImages: report.images - report.keptImages,
    droppedObjects: report.annotations - report.keptAnnotations,
  };
}

/** Images, objects and the objects of each class, in a column for each split. */
function tableOf(splits: ReadonlyMap<string, Dataset>): string {
  const counts = [...splits.values()].map(countsOf);
  const classes = [...new Set(counts.flatMap((each) => Object.keys(each.classes)))];
  const row = (title: string, value: (each: Counts) => number): string[] => [
    title,
    ...counts.map((each) => String(value(each))),
  ];
  const rows = [
    ['', ...splits.keys()],
    row('images', ({ images }) => images),
    row('  without objects', ({ withoutObjects }) => withoutObjects),
    row('  left out', ({ droppedImages }) => droppedImages),
    row('objects', ({ objects }) => objects),
    ...classes.map((name) => row(`  ${name}`, (each) => each.classes[name] ?? 0)),
    row('  left out', ({ droppedObjects }) => droppedObjects),
  ];
  // Numbers end at the same place.
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length))) ?? [];
  return columns(
    rows.map((cells) => cells.map((cell, column) => (column === 0 ? cell : cell.padStart(widths[column] ?? 0)))),
  );
}

/** Images that are in two splits, also as copies under other names. */
async function sharedImages(splits: ReadonlyMap<string, Dataset>): Promise<Shared[]> {
  const all = [...splits];
  const shared: Shared[] = [];
  for (const [place, [name, own]] of all.entries()) {
    for (const [other, theirs] of all.slice(place + 1)) {
      const { length: count } = await sameImages(theirs.records, own.records);
      if (count > 0) shared.push({ between: [name, other], count });
    }
  }
  return shared;
}

interface Shared {
  readonly between: readonly [string, string];
  readonly count: number;
}

/** What a training on these data would tell before its first step. */
function remarksOn(splits: ReadonlyMap<string, Dataset>): string[] {
  const tests = [...splits].filter(([name]) => ['val', 'test'].includes(roleOf(name) ?? ''));
  const others = [...splits.values()].filter((each) => !tests.some(([, test]) => test === each));
  return [
    ...others.flatMap((each) => [...remarksOnTraining(each), ...remarksOnSizes(each)]),
    ...tests.flatMap(([name, test]) => remarksOnTest(name, test)),
  ];
}

function remarksOnSizes({ records }: Dataset): string[] {
  const [kept, seen] = inputSides(records, [DROPPED, SEEN], SHARE);
  if (kept === undefined || seen === undefined) return [];
  return [
    `an input of ${kept} pixels on its longer side keeps ${100 * SHARE}% of the objects above ${DROPPED} pixels, below which training leaves them out; one of ${seen} shows them ${SEEN} pixels large`,
  ];
}
