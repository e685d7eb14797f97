import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HooklineError } from '@hookline/core';
import { AnnotationTable, type RecordHead } from '../records/annotation-table.ts';
import type { Box, DatasetAnnotation, DatasetMetadata } from '../records/dataset-record.ts';
import { checkBox } from './check-box.ts';
import { checkImage, type CheckedImage, type StatedSize } from './check-image.ts';
import type { Dataset, ImageCheck, ReaderOptions } from './dataset.ts';
import { count, type DatasetProblem, ProblemList } from './dataset-report.ts';
import type { ImageFinder, ImageHints } from './find-image.ts';
import { ImageMemory } from './image-memory.ts';
import { mapLimited } from './map-limited.ts';

/** An object as a file has it, unchecked: numbers may be NaN, and the category may not be known. */
export interface AnnotatedObject {
  /** Unique within the data set; 0 where the format has no ids. */
  readonly id: number;
  /** Edges, in pixels or, where the image says so, in parts of its sides. */
  readonly box: Box;
  readonly category: number;
  readonly iscrowd?: 0 | 1;
  readonly area?: number | undefined;
  readonly difficult?: boolean;
  /** What the object and its box are called in messages: `object 1: box [1, 2, 3, 4]`. */
  describe(): string;
  /** What was found already. With the effect `annotation` the object is dropped. */
  readonly finding?: Pick<DatasetProblem, 'effect' | 'kind' | 'message'> | undefined;
}

/** An image as a file has it, unchecked. */
export interface AnnotatedImage {
  readonly imageId: number | string;
  /** As the annotations call it; undefined where they do not. */
  readonly name: string | undefined;
  readonly hints?: ImageHints;
  /** Undefined for a format that never states sizes. */
  readonly stated: StatedSize | undefined;
  /** The file that has the annotations, for findings about objects; default: the image. */
  readonly source?: string;
  /** `fraction`: edges are parts of the image's sides. */
  readonly unit: 'pixel' | 'fraction';
  readonly objects: readonly AnnotatedObject[];
  /** Findings so far; the ones that come are added. */
  readonly problems: ProblemList;
}

/** All that {@link makeDataset} makes a data set of. */
export interface AnnotatedData extends Pick<DatasetMetadata, 'classes' | 'categoryIds' | 'evaluator' | 'openClasses'> {
  /** The file or folder that it came from. */
  readonly source: string;
  /** In the order of the files; of one that could not be read, what was found. */
  readonly images: readonly (AnnotatedImage | ProblemList)[];
  /** Images and objects that the files have, also those that could not be read at all. */
  readonly listed: { readonly images: number; readonly annotations: number };
  /** Findings about the files as a whole. */
  readonly problems: ProblemList;
  readonly finder: ImageFinder;
}

/** So many images are decoded to find damaged ones; of more, the headers are read. */
const DECODED = 5000;
/** Images between two pauses. */
const TURN = 256;

/**
 * Finds and looks at the images, and checks the boxes: what all readers have in common.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when all boxes are fractions where the format has pixels,
 * `HKL_DATASET_INVALID` with `strict` when anything would be dropped or changed
 */
export async function makeDataset(
  { source, images, listed, problems, finder, classes, categoryIds, evaluator, openClasses }: AnnotatedData,
  { checkImages = 'auto', remember, onProgress, strict }: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  refuseFractions(source, images);
  const table = new AnnotationTable();
  const level = checkImages !== 'auto' ? checkImages : images.length > DECODED ? 'header' : 'decode';
  const memory = await ImageMemory.of(remember, source);
  const found = await mapLimited(images, availableParallelism() * 2, async (image, place) => {
    if (place % TURN === TURN - 1) {
      onProgress?.(place + 1, images.length);
      // Headers are read without a pause, and signals want their turn.
      await nextTurn();
    }
    return isLost(image) ? undefined : makeRecord(image, finder, level, table, memory);
  });
  await memory.save();
  for (const image of images) for (const found of listOf(image).problems) problems.problems.push(found);
  if (strict === true) problems.refuse(source);
  table.trim();
  // Ids of objects are their numbers in the whole data set where the format has none.
  let number = 0;
  const kept = found.flatMap((each) => {
    if (each === undefined) return [];
    const { head, first, count } = each;
    for (let row = first; row < first + count; row++) table.numberIfNone(row, ++number);
    return table.record(head, first, count);
  });
  return {
    records: kept,
    metadata: { classes, categoryIds, evaluator, source, ...(openClasses === true && { openClasses }) },
    report: {
      source,
      images: listed.images,
      annotations: listed.annotations,
      keptImages: kept.length,
      keptAnnotations: number,
      problems: problems.problems,
    },
  };
}

const isLost = (image: AnnotatedImage | ProblemList): image is ProblemList => image instanceof ProblemList;
const listOf = (image: AnnotatedImage | ProblemList): ProblemList => (isLost(image) ? image : image.problems);

/** A record, of which the objects are rows of a table. */
interface FoundRecord {
  readonly head: RecordHead;
  readonly first: number;
  readonly count: number;
}

async function makeRecord(
  annotated: AnnotatedImage,
  finder: ImageFinder,
  level: ImageCheck,
  table: AnnotationTable,
  memory: ImageMemory,
): Promise<FoundRecord | undefined> {
  const { imageId, name, hints, stated, source, unit, problems } = annotated;
  const { file, note, problem } = await finder.find(name, hints);
  let image: CheckedImage | undefined;
  if (problem !== undefined) problems.add('image', problem.kind, file, problem.message);
  else {
    if (note !== undefined) problems.add('note', 'image-renamed', file, note);
    image = await checkImage(file, stated, level, problems, memory);
  }
  const where = source ?? file;
  // Made anew by each access.
  const { objects } = annotated;
  if (image === undefined) {
    const lost = `${count(objects.length, 'object')} went with the image`;
    if (objects.length > 0) problems.add('annotation', 'annotation-orphaned', where, lost);
    return undefined;
  }
  // Nothing is awaited from here on, so that the rows of a record follow one another.
  const first = table.length;
  for (const object of objects) {
    const kept = keepObject(object, unit, image, where, problems);
    if (kept !== undefined) table.add(kept);
  }
  return { head: { file, ...image, imageId }, first, count: table.length - first };
}

function keepObject(
  object: AnnotatedObject,
  unit: AnnotatedImage['unit'],
  size: CheckedImage,
  where: string,
  problems: ProblemList,
): DatasetAnnotation | undefined {
  const { finding, box, id, category, iscrowd = 0, area, difficult } = object;
  if (finding?.effect === 'annotation') {
    problems.add('annotation', finding.kind, where, finding.message);
    return undefined;
  }
  if (unit === 'pixel' && isFraction(box)) {
    const what = `${object.describe()} is a fraction of the image, and the others are in pixels`;
    problems.add('annotation', 'box-normalised', where, what);
    return undefined;
  }
  const edges = unit === 'pixel' ? box : scaled(box, size);
  const kept = checkBox(edges, size, () => object.describe(), where, problems);
  if (kept === undefined) return undefined;
  if (finding !== undefined) problems.add(finding.effect, finding.kind, where, finding.message);
  const own = area ?? (kept[2] - kept[0]) * (kept[3] - kept[1]);
  return { id, box: kept, category, iscrowd, area: own, ...(difficult === true && { difficult }) };
}

const scaled = ([x0, y0, x1, y1]: Box, { width, height }: CheckedImage): Box => [
  x0 * width,
  y0 * height,
  x1 * width,
  y1 * height,
];

/** Within the first pixel, and not a whole one: no tool draws this, so that it means a part of the image's sides. */
const isFraction = (box: Box): boolean =>
  box.every((edge) => edge >= -1 && edge <= 1.0001) && box.some((edge) => !Number.isInteger(edge));

function refuseFractions(source: string, images: AnnotatedData['images']): void {
  let first: AnnotatedObject | undefined;
  for (const image of images) {
    if (isLost(image) || image.unit === 'fraction') continue;
    for (const object of image.objects) {
      // What is dropped for another reason has no box.
      if (object.finding?.effect === 'annotation') continue;
      // Of most data the first object tells.
      if (!isFraction(object.box)) return;
      first ??= object;
    }
  }
  if (first === undefined) return;
  throw new HooklineError(
    'HKL_DATASET_UNREADABLE',
    `all its boxes are fractions of the image from 0 to 1, such as ${first.describe()}, and its format has them in pixels`,
    {
      who: source,
      fix: 'Multiply x and width by the width of the image, y and height by its height; YOLO and Open Images have fractions',
    },
  );
}

/** A box that is none. */
export const NO_BOX: Box = [NaN, NaN, NaN, NaN];

/** The box around points: x and y in turn. */
export function boxAround(points: readonly number[]): Box {
  const [x, y] = [0, 1].map((rest) => points.filter((_, place) => place % 2 === rest)) as [number[], number[]];
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [least(x), least(y), most(x), most(y)];
}
