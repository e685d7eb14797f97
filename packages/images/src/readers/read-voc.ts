import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import { assertKnownOptions, describeCause, HooklineError, type OptionNames } from '@hookline/core';
import type { Box } from '../records/dataset-record.ts';
import { type Dataset, READER_OPTIONS, type ReaderOptions } from './dataset.ts';
import { ProblemList } from './dataset-report.ts';
import { ImageFinder } from './find-image.ts';
import { type FolderIndex, stemOf } from './folder-index.ts';
import { roleWithFolder } from './splits.ts';
import { asSize } from './json-fields.ts';
import { type AnnotatedImage, type AnnotatedObject, makeDataset } from './make-dataset.ts';
import { mapLimited } from './map-limited.ts';
import { parseVoc, type VocFile } from './parse-voc.ts';
import { decodeText, readText } from './read-text.ts';

/** Options of {@link readVoc}. */
export interface ReadVocOptions extends ReaderOptions {
  /** Folder that contains `Annotations` and `JPEGImages`. */
  readonly root: string;
  /** Reads only the names listed in `ImageSets/Main/SPLIT.txt`. @default every XML file in the annotations' folder */
  readonly split?: string;
  /** Folder of the XML files, searched recursively, relative to `root`. @default 'Annotations' */
  readonly annotations?: string;
  /** Folder of the images, relative to `root`. @default 'JPEGImages' */
  readonly images?: string;
  /** Names of the classes, in order; objects with other names are dropped. @default every name in the files, sorted */
  readonly classes?: readonly string[];
  /** Coordinate of the leftmost pixel in the files: 1 by the format's definition, 0 for many tools. @default 1 */
  readonly firstPixel?: 0 | 1;
}

/** Names of {@link ReadVocOptions}. */
const READ_VOC_OPTIONS = {
  ...READER_OPTIONS,
  root: true,
  split: true,
  annotations: true,
  images: true,
  classes: true,
  firstPixel: true,
} as const satisfies OptionNames<ReadVocOptions>;

/** VOC files of a folder that has been listed. Paths start from its root. */
export interface VocSource {
  readonly finder: ImageFinder;
  /** Folder of the XML files. Image ids are paths relative to it, without extension. */
  readonly annotations: string;
  /** Folders that may hold the images. */
  readonly images: readonly string[];
  /** The list file of a split. */
  readonly list?: string;
  /** The XML files, when there is no list. @default all below `annotations` */
  readonly files?: readonly string[];
}

interface Parsed {
  readonly name: string;
  /** Path of the XML file from the root of the index. */
  readonly path: string;
  readonly file: string;
  readonly voc: VocFile | undefined;
  readonly problems: ProblemList;
}

/**
 * Reads a data set in the format of Pascal VOC. Image ids are the names in the split, without extension. `xmin` and `xmax`
 * number the first and last pixel inside a box, so its edges are `xmin - firstPixel` and `xmax`; y likewise.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the split or the folder cannot be read, `HKL_DATASET_INVALID`
 * with `strict` when anything would be dropped or changed
 */
export async function readVoc(options: ReadVocOptions): Promise<Dataset> {
  assertKnownOptions('readVoc', options, READ_VOC_OPTIONS);
  const { root, split, annotations = 'Annotations', images = 'JPEGImages', outside = [] } = options;
  const source = split === undefined ? posix.join(root, annotations) : listOf(root, split);
  try {
    // Fails early when the folder or list is missing, before the whole root is listed.
    await (split === undefined ? readdir(source) : readFile(source));
    const finder = await ImageFinder.of(root, outside);
    const list = split === undefined ? undefined : `ImageSets/Main/${split}.txt`;
    return await readVocFiles({ finder, annotations, images: [images], ...(list !== undefined && { list }) }, options);
  } catch (cause) {
    if (cause instanceof HooklineError) throw cause;
    throw new HooklineError('HKL_DATASET_UNREADABLE', `it cannot be read: ${describeCause(cause)}`, {
      who: source,
      fix: 'Give as `root` the folder with Annotations, JPEGImages and, for a `split`, ImageSets/Main',
      cause,
    });
  }
}

const listOf = (root: string, split: string): string => posix.join(root, 'ImageSets', 'Main', `${split}.txt`);

/** Reads the VOC files of a folder that has been listed. @throws HooklineError as {@link readVoc} does */
export async function readVocFiles(
  { finder, annotations, images: folders, list, files }: VocSource,
  options: Pick<ReadVocOptions, 'classes' | 'firstPixel'> & ReaderOptions,
): Promise<Dataset> {
  const index = finder.data;
  const source = list === undefined ? index.at(annotations) : index.at(list);
  const problems = new ProblemList();
  const listed =
    list === undefined ? namesIn(files ?? index.files, annotations) : await namesOf(index, annotations, list);
  const names = new Set<string>();
  for (const name of listed) {
    if (names.has(name))
      problems.add('image', 'duplicate-image-id', source, `it lists "${name}" again; it is read once`);
    names.add(name);
  }
  const parsed = await mapLimited([...names], availableParallelism() * 2, async (name) =>
    parseOne(index, annotations, name),
  );
  const classes = options.classes ?? classesOf(parsed);
  const images = parsed.map((each): AnnotatedImage | ProblemList => {
    const { name, path, file, voc } = each;
    if (voc === undefined) return each.problems;
    const below = posix.dirname(name);
    return {
      imageId: name,
      name: voc.filename ?? voc.path ?? `${posix.basename(name)}.jpg`,
      hints: {
        // The same subfolder of the image folders, these folders themselves, or beside the XML file.
        folders: [
          ...folders.flatMap((folder) => (below === '.' ? folder : [posix.join(folder, below), folder])),
          posix.dirname(path),
        ],
        role: roleWithFolder(index, path),
        stem: stemOf(path),
      },
      stated: { width: asSize(voc.width), height: asSize(voc.height) },
      source: file,
      unit: 'pixel',
      objects: voc.objects.map((object, place) => readObject(object, place, classes, options.firstPixel ?? 1)),
      problems: each.problems,
    };
  });
  return makeDataset(
    {
      source,
      images,
      listed: {
        images: listed.length,
        annotations: parsed.reduce((sum, { voc }) => sum + (voc?.objects.length ?? 0), 0),
      },
      classes,
      categoryIds: classes.map((_, place) => place + 1),
      evaluator: 'voc',
      problems,
      finder,
    },
    options,
  );
}

/** Paths of the XML files below a folder, relative to it, without extension. */
function namesIn(files: readonly string[], folder: string): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const own = files.filter((file) => file.startsWith(prefix) && /\.xml$/i.test(file));
  return own.map((file) => stemOf(file.slice(prefix.length)));
}

/** The names in a list file. Lines may have an extension, folders, or the second column (-1, 0, 1) of lists of one class. */
async function namesOf(index: FolderIndex, annotations: string, list: string): Promise<string[]> {
  const lines = (await readText(index.at(list))).replace(/^\uFEFF/, '').split(/\r?\n|\r/);
  return lines
    .map((line) => line.trim().replaceAll('\\', '/'))
    .filter((line) => line !== '')
    .map((line) => {
      const spellings = [line, line.replace(/\s+-?[01]$/, '')].flatMap((name) => [
        name,
        stemOf(name),
        posix.basename(stemOf(name)),
      ]);
      const found = spellings.find((name) => index.has(posix.join(annotations, `${name}.xml`)));
      return found ?? line.replace(/\s+-?[01]$/, '');
    });
}

async function parseOne(index: FolderIndex, annotations: string, name: string): Promise<Parsed> {
  const plain = posix.join(annotations, `${name}.xml`);
  const path = index.has(plain) ? plain : (index.like('path', plain)[0] ?? plain);
  const file = index.at(path);
  const problems = new ProblemList();
  try {
    return { name, path, file, voc: await parseVoc(decodeText(await readFile(file))), problems };
  } catch (error) {
    const isMissing = (error as { readonly code?: unknown }).code === 'ENOENT';
    const message = isMissing ? 'there is no such file' : `it cannot be read: ${describeCause(error)}`;
    problems.add('image', 'annotation-unreadable', file, message);
    return { name, path, file, voc: undefined, problems };
  }
}

function classesOf(parsed: readonly Parsed[]): string[] {
  const names = parsed.flatMap(({ voc }) => voc?.objects.flatMap(({ name }) => name ?? []) ?? []);
  return [...new Set(names)].sort();
}

function readObject(
  { name, difficult, box }: VocFile['objects'][number],
  place: number,
  classes: readonly string[],
  firstPixel: 0 | 1,
): AnnotatedObject {
  const what = `object ${place + 1}`;
  const index = name === undefined ? -1 : classes.indexOf(name);
  const [xmin, ymin, xmax, ymax] = box;
  // Judged by the numbers in the file: xmin = xmax would mean a width of one pixel, but faulty tools write it for a missing box.
  const empty = xmax <= xmin || ymax <= ymin;
  const edges: Box = empty ? box : [leftOf(xmin, firstPixel), leftOf(ymin, firstPixel), xmax, ymax];
  return {
    id: 0,
    box: edges,
    category: index < 0 ? undefined : index,
    difficult,
    describe: () => `${what}: box [${box.join(', ')}]`,
    finding:
      index < 0
        ? {
            effect: 'annotation',
            kind: 'category-unknown',
            message: `${what}: "${name ?? ''}" is not one of the classes`,
          }
        : !empty && countsFromZero([xmin, ymin], firstPixel)
          ? {
              effect: 'note',
              kind: 'box-from-zero',
              message: `${what}: box [${box.join(', ')}] counts pixels from 0, where the format counts from 1`,
            }
          : undefined,
  };
}

/** The left or top edge. Many tools count from 0, so a 0 in a file that counts from 1 is the image's edge, not a pixel outside. */
const leftOf = (edge: number, firstPixel: 0 | 1): number =>
  countsFromZero([edge], firstPixel) ? 0 : edge - firstPixel;

const countsFromZero = (edges: readonly number[], firstPixel: 0 | 1): boolean =>
  firstPixel === 1 && edges.some((edge) => edge >= 0 && edge < 1);
