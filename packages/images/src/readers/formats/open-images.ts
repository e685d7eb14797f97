import { describeCause, HooklineError } from '@hookline/core';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { ProblemList } from '../dataset-report.ts';
import { fold, isPicture, stemOf } from '../folder-index.ts';
import { asFlag } from '../json-fields.ts';
import { readText } from '../read-text.ts';
import type { DataFormat, FolderContents } from './data-format.ts';
import { type LabelledImage, makeLabelled } from './labelled.ts';
import { isOfRole, roleWithFolder, splitPerFile } from '../splits.ts';

const COLUMNS = ['ImageID', 'LabelName', 'XMin', 'XMax', 'YMin', 'YMax'];

/** Open Images' CSV: one line for each box, with its edges as fractions of the image's sides. */
export const openImages: DataFormat = {
  name: 'open-images',
  signs: `a CSV file with the columns ${COLUMNS.join(', ')}`,
  detect: async (contents) => {
    const paths = contents.tables
      .filter(({ columns }) => COLUMNS.every((column) => columns.includes(column)))
      .map(({ path }) => path);
    if (paths.length === 0) {
      const [other] = contents.tables.filter(({ columns }) => columns.some((column) => /^x_?min$/i.test(column)));
      if (other === undefined) return undefined;
      return `${other.path} is a table of boxes with the columns ${other.columns.join(', ')}, and the only CSV format that can be read is that of Open Images; export the data as COCO or YOLO`;
    }
    return {
      format: 'open-images',
      title: 'Open Images (CSV)',
      splits: splitPerFile(paths, (path, options) => readOpenImages(contents, path, options)),
      remarks: [],
    };
  },
};

type Row = Readonly<Record<string, string>>;

async function readOpenImages(
  contents: FolderContents,
  path: string,
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const { finder } = contents;
  const file = finder.data.at(path);
  const rows = (await parseCsv(file, true)) as Row[];
  const descriptions = await readDescriptions(contents);
  const problems = new ProblemList();
  const groups = new Map<string, Row[]>();
  for (const [place, row] of rows.entries()) {
    const { ImageID: id = '' } = row;
    if (id === '') {
      problems.add('annotation', 'annotation-invalid', file, `line ${place + 2} has no ImageID`);
      continue;
    }
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  const folders = foldersFor(contents, path);
  const there = new Set(finder.data.files.filter(isPicture).map((each) => fold(stemOf(each).split('/').at(-1) ?? '')));
  // The CSV lists the boxes of all of Open Images, but most users have only some of its pictures.
  const absent = [...groups.keys()].filter((id) => !there.has(fold(stemOf(id))) && !there.has(fold(id)));
  if (absent.length > 0) {
    const message = `${absent.length} of its ${groups.size} images are not in the folder, such as ${absent[0] ?? ''}: they are left out`;
    problems.add('note', 'images-absent', file, message);
  }
  const left = new Set(absent);
  const images = [...groups].flatMap(([id, boxes]): LabelledImage[] => {
    if (left.has(id)) return [];
    return [
      {
        imageId: id,
        name: isPicture(id) ? id : `${id}.jpg`,
        hints: { folders, role: roleWithFolder(finder.data, path) },
        stated: undefined,
        unit: 'fraction',
        problems: new ProblemList(),
        objects: boxes.map((row, place) => readRow(row, place, descriptions)),
      },
    ];
  });
  return makeLabelled({ source: file, images, finder, problems }, options);
}

async function parseCsv(file: string, columns: boolean): Promise<unknown[]> {
  // Imported only when the first file is read.
  const { parse } = await import('csv-parse/sync');
  try {
    return parse(await readText(file), { columns, bom: true, trim: true, skip_empty_lines: true });
  } catch (cause) {
    throw new HooklineError('HKL_DATASET_UNREADABLE', `it is not valid CSV: ${describeCause(cause)}`, {
      who: file,
      fix: 'Get the file again, or correct the line',
      cause,
    });
  }
}

/** Class names by label. `class-descriptions-boxable.csv` has lines such as `/m/01g317,Person`. */
async function readDescriptions({ finder }: FolderContents): Promise<ReadonlyMap<string, string>> {
  const path = finder.data.files.find((file) => /class-descriptions[^/]*\.csv$/i.test(file));
  if (path === undefined) return new Map();
  const rows = (await parseCsv(finder.data.at(path), false)) as string[][];
  return new Map(rows.map(([label = '', name = '']) => [label, name]));
}

function readRow(row: Row, place: number, descriptions: ReadonlyMap<string, string>): LabelledImage['objects'][number] {
  const { LabelName: label = '' } = row;
  const edge = (column: string): number =>
    row[column] === undefined || row[column] === '' ? NaN : Number(row[column]);
  return {
    label: label === '' ? undefined : (descriptions.get(label) ?? label),
    box: [edge('XMin'), edge('YMin'), edge('XMax'), edge('YMax')],
    what: `box ${place + 1}`,
    iscrowd: asFlag(row['IsGroupOf'] ?? '0') ?? 0,
  };
}

/** Folders of the images: the stated one, those of the split, the root. */
function foldersFor({ finder, images }: FolderContents, path: string): string[] {
  const role = roleWithFolder(finder.data, path);
  const own = finder.data.pictureFolders.filter((folder) => isOfRole(`${folder}/x`, role));
  return [...new Set([...(images === undefined ? [] : [images]), ...own, ''])];
}
