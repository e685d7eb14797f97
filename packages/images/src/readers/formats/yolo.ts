import { availableParallelism } from 'node:os';
import { posix, resolve } from 'node:path';
import { describeCause, HooklineError } from '@hookline/core';
import type { Box } from '../../records/dataset-record.ts';
import type { Dataset, ReaderOptions } from '../dataset.ts';
import { count, ProblemList } from '../dataset-report.ts';
import { type FolderIndex, isPicture, stemOf } from '../folder-index.ts';
import { type AnnotatedImage, type AnnotatedObject, boxAround, makeDataset, NO_BOX } from '../make-dataset.ts';
import { mapLimited } from '../map-limited.ts';
import { readText, readTextHead } from '../read-text.ts';
import type { DataFormat, FolderContents, FoundFormat } from './data-format.ts';
import { type FoundSplit, groupBySplit, roleWithFolder } from '../splits.ts';
import { findDescriptions, namesBeside, type YoloDescription } from './yolo-description.ts';

/** A line of a label file: the class number, then at least four numbers. */
const LINE = /^\s*\d+(\.0+)?(\s+-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?){4,}\s*$/i;
const LOOKED_AT = 20;

/** YOLO's text files, one for each image, in the layouts of Ultralytics, Roboflow, Darknet, CVAT and Label Studio. */
export const yolo: DataFormat = {
  name: 'yolo',
  signs: 'data.yaml, or text files with lines of "class x y width height" in labels/ or beside the images',
  detect: async (contents) => {
    const { descriptions, why } = await findDescriptions(contents);
    const [described, ...others] = descriptions;
    if (described === undefined) return (await hasLabels(contents)) ? withoutDescription(contents) : why;
    if (others.length > 0) {
      const all = descriptions.map(({ path }) => path).join(', ');
      return `it has several descriptions for YOLO: ${all}; name one of them as the data: --set data.root=FOLDER/${described.path}`;
    }
    return byDescription(contents, described);
  },
};

/** The splits that a description states. */
async function byDescription({ finder }: FolderContents, found: YoloDescription): Promise<FoundFormat | string> {
  const splits: FoundSplit[] = [];
  const remarks: string[] = [...found.remarks];
  for (const [name, entries] of found.splits) {
    const places = entries.map((entry) => ({ entry, place: found.place(entry) }));
    const lost = places.filter(({ place }) => place === undefined).map(({ entry }) => `"${entry}"`);
    if (lost.length > 0) {
      remarks.push(
        `${found.path} has ${lost.join(', ')} as ${name}, and there is no such folder or file in ${finder.data.root}`,
      );
    }
    const known = places.flatMap(({ place }) => place ?? []);
    if (known.length === 0) continue;
    const images = (await Promise.all(known.map(async (place) => imagesIn(finder.data, place)))).flat();
    splits.push({
      name,
      images: images.length,
      source: known.join(', '),
      read: (options) =>
        readYolo(
          { contents: { finder }, names: found.names, keypoints: found.hasKeypoints },
          known.join(', '),
          images,
          options,
        ),
    });
  }
  if (splits.length === 0)
    return remarks.join('; ') || `${found.path} does not say where the images are: it needs "train"`;
  return { format: 'yolo', title: `YOLO (${found.path})`, splits, remarks };
}

/** The splits of data without a description: all images, grouped by the folders that are named like splits. */
async function withoutDescription(contents: FolderContents): Promise<FoundFormat> {
  const { finder } = contents;
  const { names, file } = await namesBeside(finder.data);
  const images = finder.data.files.filter(isPicture);
  const groups = groupBySplit(images);
  return {
    format: 'yolo',
    title: `YOLO (${file ?? 'label files alone'})`,
    splits: [...groups].map(([name, paths]) => ({
      name,
      images: paths.length,
      source: folderOf(name, paths),
      read: (options) => readYolo({ contents, names, keypoints: false }, folderOf(name, paths), paths, options),
    })),
    remarks:
      names === undefined ? ['no file names the classes (data.yaml, classes.txt): their numbers serve as names'] : [],
  };
}

/** The folder of a split, derived from the path of its first image. */
function folderOf(split: string, [first = '']: readonly string[]): string {
  const parts = first.split('/');
  const end = parts.indexOf(split);
  return end < 0 ? '.' : parts.slice(0, end + 1).join('/');
}

/** Whether the images have label files, judged by the first label file that is not empty. */
async function hasLabels({ finder: { data } }: FolderContents): Promise<boolean> {
  const labels = data.files.filter(isPicture).flatMap((image) => labelOf(data, image) ?? []);
  for (const label of labels.slice(0, LOOKED_AT)) {
    const lines = (await readTextHead(data.at(label), 4096)).split(/\r?\n/).filter((line) => line.trim() !== '');
    if (lines.length > 0) return LINE.test(lines[0] as string);
  }
  return false;
}

/** The images in a folder, recursively, or those that a list file names. */
async function imagesIn(data: FolderIndex, place: string): Promise<string[]> {
  if (!data.has(place)) {
    const prefix = place === '' ? '' : `${place}/`;
    return data.files.filter((file) => isPicture(file) && file.startsWith(prefix));
  }
  const lines = (await readText(data.at(place))).replace(/^\uFEFF/, '').split(/\r?\n|\r/);
  const folder = posix.dirname(place) === '.' ? '' : posix.dirname(place);
  // In a list, `./` means the folder of the list.
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('./') ? posix.join(folder, line) : line));
}

/** The label file of an image: with `labels` in place of one of its folders, beside it, or in a `labels` folder below or at the root. */
function labelOf(data: FolderIndex, image: string): string | undefined {
  const parts = stemOf(image).split('/');
  const name = parts.at(-1) ?? '';
  const folders = parts.slice(0, -1);
  const replaced = folders
    .map((_, place) => [...folders.slice(0, place), 'labels', ...folders.slice(place + 1), name])
    .reverse();
  const all = [...replaced, parts, [...folders, 'labels', name], ['labels', ...parts]];
  for (const candidate of all) {
    const path = `${candidate.join('/')}.txt`;
    if (data.has(path)) return path;
  }
  // Other spellings, such as .TXT.
  return all.flatMap((candidate) => data.like('path', `${candidate.join('/')}.txt`))[0];
}

interface YoloSource {
  readonly contents: Pick<FolderContents, 'finder'>;
  /** Class names; undefined when classes have only numbers. */
  readonly names: readonly string[] | undefined;
  /** Whether keypoints follow the box in each line. */
  readonly keypoints: boolean;
}

async function readYolo(
  { contents: { finder }, names, keypoints }: YoloSource,
  source: string,
  images: readonly string[],
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const { data } = finder;
  const hints = { role: roleWithFolder(data, source) };
  const problems = new ProblemList();
  const seen = new Set<string>();
  const read = await mapLimited(
    images,
    availableParallelism() * 2,
    async (name): Promise<AnnotatedImage | undefined> => {
      const { file, note, problem } = await finder.find(name, hints);
      const path = data.from(resolve(file)) ?? data.from(file) ?? name;
      if (seen.has(path)) return undefined;
      seen.add(path);
      const own = new ProblemList();
      if (note !== undefined) own.add('note', 'image-renamed', file, note);
      const label = labelOf(data, path);
      const objects =
        label === undefined || problem !== undefined ? [] : await readLabels(data, label, names, keypoints, own);
      return {
        imageId: path,
        name: problem === undefined && data.has(path) ? path : name,
        hints,
        stated: undefined,
        ...(label !== undefined && { source: data.at(label) }),
        unit: 'fraction',
        objects,
        problems: own,
      };
    },
  );
  const kept = read.flatMap((image) => image ?? []);
  assertLabels(data.at(source), kept, problems);
  if (kept.length < images.length)
    problems.add(
      'image',
      'duplicate-image-id',
      source,
      `it lists ${images.length - kept.length} images again; each is read once`,
    );
  orphans(data, kept, problems);
  const classes = names ?? numbersOf(kept);
  return makeDataset(
    {
      source: data.at(source),
      images: kept,
      listed: { images: images.length, annotations: kept.reduce((sum, { objects }) => sum + objects.length, 0) },
      classes,
      categoryIds: classes.map((_, category) => category + 1),
      evaluator: 'coco',
      ...(names === undefined && { openClasses: true }),
      problems,
      finder,
    },
    options,
  );
}

/** A picture without a label file counts as one without objects. When no picture has one, the labels are in the wrong place. */
function assertLabels(source: string, images: readonly AnnotatedImage[], problems: ProblemList): void {
  const bare = images.filter((image) => image.source === undefined);
  if (bare.length > 0 && bare.length === images.length)
    throw new HooklineError('HKL_DATASET_UNREADABLE', `none of its ${count(images.length, 'image')} has a label file`, {
      who: source,
      fix: 'Put them into a folder labels in place of images, or beside the images: a.txt for a.jpg',
    });
  const [first] = bare;
  if (first === undefined) return;
  const message = `images without a label file count as images without objects: ${bare.length} of ${images.length}, such as ${first.name ?? ''}`;
  problems.add('note', 'labels-absent', source, message);
}

/** The classes when only numbers are known: all from 0 to the largest one. */
function numbersOf(images: readonly AnnotatedImage[]): string[] {
  const known = images.flatMap(({ objects }) => objects.flatMap(({ category }) => category ?? []));
  const most = known.reduce((a, b) => Math.max(a, b), -1);
  return Array.from({ length: most + 1 }, (_, number) => String(number));
}

/** Reports text files in the label folders that belong to no image. */
function orphans(data: FolderIndex, images: readonly AnnotatedImage[], problems: ProblemList): void {
  const folders = new Set(
    images.flatMap(({ source }) => (source === undefined ? [] : posix.dirname(data.from(source) ?? ''))),
  );
  for (const file of data.files) {
    if (!/\.txt$/i.test(file) || !folders.has(posix.dirname(file))) continue;
    if (
      /^(classes|labels|names|train|val|valid|test|readme.*|notes|requirements|predefined_classes)$/i.test(
        stemOf(posix.basename(file)),
      )
    )
      continue;
    if (data.like('stem', posix.basename(stemOf(file))).length === 0)
      problems.add('annotation', 'annotation-orphaned', data.at(file), 'there is no image with its name');
  }
}

/** Reads the objects of a label file. An empty file means an image without objects. */
async function readLabels(
  data: FolderIndex,
  path: string,
  names: readonly string[] | undefined,
  keypoints: boolean,
  problems: ProblemList,
): Promise<AnnotatedObject[]> {
  const file = data.at(path);
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    problems.add('annotation', 'annotation-unreadable', file, `it cannot be read: ${describeCause(error)}`);
    return [];
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n|\r/);
  return lines.flatMap((line, place) => (line.trim() === '' ? [] : [readLine(line, place, names, keypoints)]));
}

function readLine(
  line: string,
  place: number,
  names: readonly string[] | undefined,
  keypoints: boolean,
): AnnotatedObject {
  const what = `line ${place + 1}`;
  const [kind = '', ...rest] = line.trim().split(/[\s,]+/);
  const category = /^\d+(\.0+)?$/.test(kind) ? Number(kind) : NaN;
  const numbers = rest.map(Number);
  const dropped = (finding: {
    kind: 'annotation-invalid' | 'category-unknown' | 'box-normalised';
    message: string;
  }): AnnotatedObject => ({
    id: 0,
    box: NO_BOX,
    category: Number.isNaN(category) ? undefined : category,
    describe: () => what,
    finding: { effect: 'annotation', ...finding },
  });
  if (Number.isNaN(category))
    return dropped({ kind: 'annotation-invalid', message: `${what}: "${kind}" is not the number of a class` });
  if (names !== undefined && category >= names.length)
    return dropped({
      kind: 'category-unknown',
      message: `${what}: class ${category} is not among the ${names.length} names`,
    });
  const isBox = numbers.length === 4 || keypoints;
  if (!isBox && (numbers.length < 6 || numbers.length % 2 === 1)) {
    const hint = numbers.length === 5 ? ': with a score at the end, it is a detection, not an annotation' : '';
    return dropped({
      kind: 'annotation-invalid',
      message: `${what} has ${numbers.length} numbers after the class, neither a box of 4 nor the points of a polygon${hint}`,
    });
  }
  const box = isBox ? edgesOf(numbers) : boxAround(numbers);
  if (box.some((edge) => edge > 2))
    return dropped({
      kind: 'box-normalised',
      message: `${what}: ${line.trim().slice(0, 60)} is in pixels, and YOLO's numbers are fractions of the image from 0 to 1`,
    });
  return { id: 0, box, category, describe: () => `${what}: ${line.trim().slice(0, 60)}` };
}

const edgesOf = ([x = NaN, y = NaN, width = NaN, height = NaN]: readonly number[]): Box => [
  x - width / 2,
  y - height / 2,
  x + width / 2,
  y + height / 2,
];
