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
import { line, print, shown } from './print.ts';
import { columns } from './table.ts';
import { usageError } from './usage-error.ts';

/** Number of files that are listed for each kind of problem. */
const FILES = 5;

/** Pixels of an object's shorter side: up to the first, a DetectionTrainer leaves the object out; from the second on, a small network detects it well. */
const DROPPED = 2;
const SEEN = 8;
/** Share of the objects that a suggested input size must keep; the others may be small by mistake. */
const SHARE = 0.95;

/** `hookline data`: describes a folder of data, and draws or converts it. @returns the exit status */
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
  // Pixels are checked when a training starts.
  const unread: HooklineError[] = [];
  for (const split of mainSplits(found.splits)) {
    try {
      splits.set(split.name, await split.read({ checkImages: 'header' }));
    } catch (error) {
      if (!isHooklineError(error, 'HKL_DATASET_UNREADABLE')) throw error;
      unread.push(error);
    }
  }
  // A split that cannot be used, such as test images without labels, does not hide the others.
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
      print(`${count} ${are} in both ${between.join(' and ')}: an evaluation with ${them} is too optimistic`);
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
    `--format ${name} is not a known format`,
    `${near === undefined ? '' : `Did you mean ${near}? `}Known: ${FORMAT_NAMES.join(', ')}`,
  );
}

function assertTarget(to: string | undefined, target: string | undefined): void {
  if (to !== undefined && to !== 'coco') throw usageError(`--to ${to} cannot be written`, 'Write --to coco DIR');
  if (to !== undefined && target === undefined)
    throw usageError('--to needs a folder to write to', 'Write --to coco DIR');
  if (to === undefined && target !== undefined)
    throw usageError(`unexpected argument "${target}"`, `To write the data there: --to coco ${target}`);
}

/** Statistics of a split. */
interface Counts {
  readonly images: number;
  readonly withoutObjects: number;
  readonly objects: number;
  /** Number of objects by class. */
  readonly classes: Readonly<Record<string, number>>;
  /** Number of images and objects that were left out. */
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

/** A table of images, objects and objects per class, with a column for each split. */
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
  return columns(rows, (column) => column > 0);
}

/** Images that are in two splits, including copies under other names. */
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

/** The warnings that a training on these data would print before its first step. */
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
    `with an input of ${kept} pixels on its longer side, ${100 * SHARE}% of the objects are larger than ${DROPPED} pixels and are not left out of training; with ${seen} pixels they are ${SEEN} pixels large`,
  ];
}
