import { readdir } from 'node:fs/promises';
import { assertKnownOptions, describeCause, didYouMean, HooklineError, type OptionNames } from '@hookline/core';
import type { Box } from '../records/dataset-record.ts';
import { type Dataset, READER_OPTIONS, type ReaderOptions } from './dataset.ts';
import { ProblemList } from './dataset-report.ts';
import { ImageFinder } from './find-image.ts';
import { isPicture } from './folder-index.ts';
import { type AnnotatedImage, makeDataset } from './make-dataset.ts';

/** Options of {@link readImageFolder}. */
export interface ReadImageFolderOptions extends ReaderOptions {
  /** Folder that contains one folder for each class. */
  readonly root: string;
  /** Names of the classes, in order; a folder with another name is an error. @default the names of the folders, sorted */
  readonly classes?: readonly string[];
}

const OPTIONS = { ...READER_OPTIONS, root: true, classes: true } as const satisfies OptionNames<ReadImageFolderOptions>;

/** The whole image, in fractions of its sides. */
const WHOLE: Box = [0, 0, 1, 1];

/**
 * Reads pictures that are sorted into one folder for each class, `root/CLASS/*.jpg`, including subfolders. Each record has one
 * annotation, a box of that class around the whole image, so `DetectionLoader` gives batches with `classes` of shape [batch, 1].
 *
 * Pictures that cannot be read are left out and listed in the report, or refused with `strict`.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` for a folder that cannot be read or contains no folder, `HKL_DATA_CLASSES` for a
 * folder that is none of `classes`, `HKL_DATASET_EMPTY_CLASS` for a class folder without a usable picture, `HKL_DATASET_INVALID` with
 * `strict` when anything would be dropped or changed
 */
export async function readImageFolder(options: ReadImageFolderOptions): Promise<Dataset> {
  assertKnownOptions('readImageFolder', options, OPTIONS);
  const { root, outside = [] } = options;
  const found = await classFolders(root);
  const classes = options.classes ?? found;
  const unknown = found.find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new HooklineError('HKL_DATA_CLASSES', `the folder "${unknown}" is none of the classes`, {
      who: root,
      fix: didYouMean(unknown, classes),
    });
  }
  const finder = await ImageFinder.of(root, outside);
  const problems = new ProblemList();
  const files = finder.data.files.filter(isPicture);
  const images = files.flatMap((path): AnnotatedImage[] => {
    const [folder = '', ...rest] = path.split('/');
    if (rest.length > 0) {
      const category = classes.indexOf(folder);
      // A folder such as _backup is not a class, see classFolders.
      return category < 0 ? [] : [imageOf(path, category)];
    }
    problems.add(
      'image',
      'labels-absent',
      finder.data.at(path),
      'it lies beside the folders of the classes, not in one of them',
    );
    return [];
  });
  const categoryIds = classes.map((_, place) => place + 1);
  const dataset = await makeDataset(
    {
      source: root,
      images,
      listed: { images: files.length, annotations: images.length },
      problems,
      finder,
      classes,
      categoryIds,
      evaluator: 'coco',
    },
    options,
  );
  const used = new Set(dataset.records.map(({ annotations }) => annotations[0]?.category));
  const empty = found.find((name) => !used.has(classes.indexOf(name)));
  if (empty !== undefined) throw emptyClass(root, empty, dataset);
  // The annotation of a dropped picture needs no line of its own.
  const kept = dataset.report.problems.filter(({ kind }) => kind !== 'annotation-orphaned');
  return { ...dataset, report: { ...dataset.report, problems: kept } };
}

/**
 * Lists the folders in a folder, sorted: the classes of {@link readImageFolder}. Names that begin with `.` or `_` are left out.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` for a folder that cannot be read or contains no folder
 */
export async function classFolders(root: string): Promise<readonly string[]> {
  const layout = 'Give a folder with one folder of pictures for each class: root/CLASS/*.jpg';
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: unknown) => {
    throw new HooklineError('HKL_DATASET_UNREADABLE', `it cannot be read: ${describeCause(cause)}`, {
      who: root,
      fix: layout,
      cause,
    });
  });
  const names = entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !/^[._]/.test(entry.name))
    .map(({ name }) => name)
    .sort();
  if (names.length > 0) return names;
  throw new HooklineError('HKL_DATASET_UNREADABLE', 'there is no folder in it', { who: root, fix: layout });
}

const imageOf = (path: string, category: number): AnnotatedImage => ({
  imageId: path,
  name: path,
  stated: undefined,
  unit: 'fraction',
  objects: [{ id: 0, box: WHOLE, category, describe: () => 'the whole image' }],
  problems: new ProblemList(),
});

function emptyClass(root: string, name: string, { report }: Dataset): HooklineError {
  const lost = report.problems.filter(({ effect, file }) => effect === 'image' && file.split(/[/\\]/).includes(name));
  const [first] = lost;
  const why = first === undefined ? '' : `: ${lost.length} could not be used, such as ${first.file} (${first.message})`;
  return new HooklineError('HKL_DATASET_EMPTY_CLASS', `the class "${name}" has no picture${why}`, {
    who: root,
    fix: 'Put pictures into its folder, or remove the folder',
  });
}
