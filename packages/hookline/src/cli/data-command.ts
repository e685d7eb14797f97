import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { suggestName } from '@hookline/core';
import {
  classHistogram,
  type Dataset,
  describeFormat,
  findFormats,
  FORMAT_NAMES,
  type FormatName,
  formatReport,
  mainSplits,
  writeCocoFolder,
} from '@hookline/data';
import type { CommandLine } from './command-line.ts';
import { drawData } from './draw-data.ts';
import { EXIT } from './exit-status.ts';
import { line, shown } from './output-files.ts';
import { print } from './print.ts';
import { columns } from './table.ts';
import { usageError } from './usage-error.ts';

/** Files of each kind of finding that are named. */
const FILES = 5;

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
  for (const split of mainSplits(found.splits)) splits.set(split.name, await split.read({ checkImages: 'header' }));
  const shared = sharedImages(splits);
  if (!flag.json) {
    for (const remark of found.remarks) print(remark);
    print(`\n${tableOf(splits)}\n`);
    for (const { report } of splits.values())
      if (report.problems.length > 0) print(formatReport(report, { files: FILES }));
    for (const { between, count } of shared) {
      const [are, them] = count === 1 ? ['image is', 'it'] : ['images are', 'them'];
      print(`${count} ${are} in both ${between.join(' and ')}: a test with ${them} says too much`);
    }
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
    const { format: name, title, remarks } = found;
    print(JSON.stringify({ folder, format: name, title, remarks, splits: list, shared, files }));
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

/** Images that are in two splits. */
function sharedImages(splits: ReadonlyMap<string, Dataset>): { between: [string, string]; count: number }[] {
  const files = [...splits].map(([name, { records }]) => [name, new Set(records.map(({ file }) => file))] as const);
  return files.flatMap(([name, own], place) =>
    files.slice(place + 1).flatMap(([other, theirs]) => {
      const count = [...own].filter((file) => theirs.has(file)).length;
      return count === 0 ? [] : [{ between: [name, other] as [string, string], count }];
    }),
  );
}
