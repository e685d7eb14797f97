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

/** An unchecked object of an annotation file: numbers may be NaN, and the category may be unknown. */
export interface AnnotatedObject {
  /** Unique within the data set; 0 when the format has no ids. */
  readonly id: number;
  /** Edges x0, y0, x1, y1 in the image's `unit`: pixels, or fractions of its sides. */
  readonly box: Box;
  /** Index into `classes`; undefined when unknown, and then `finding` drops the object. */
  readonly category: number | undefined;
  readonly iscrowd?: 0 | 1;
  readonly area?: number | undefined;
  readonly difficult?: boolean;
  /** Names the object and its box in messages: `object 1: box [1, 2, 3, 4]`. */
  describe(): string;
  /** A finding of the format's reader. With the effect `annotation` the object is dropped. */
  readonly finding?: Pick<DatasetProblem, 'effect' | 'kind' | 'message'> | undefined;
}

/** An unchecked image of an annotation file. */
export interface AnnotatedImage {
  readonly imageId: number | string;
  /** Its name in the annotations; undefined when they name none. */
  readonly name: string | undefined;
  readonly hints?: ImageHints;
  /** The stated size in pixels; undefined for a format that never states sizes. */
  readonly stated: StatedSize | undefined;
  /** The annotation file, for findings about objects. @default the image file */
  readonly source?: string;
  /** Unit of the edges: pixels, or fractions of the image's sides. */
  readonly unit: 'pixel' | 'fraction';
  readonly objects: readonly AnnotatedObject[];
  /** Findings so far; later ones are added. */
  readonly problems: ProblemList;
}

/** The input of {@link makeDataset}. */
export interface AnnotatedData extends Pick<DatasetMetadata, 'classes' | 'categoryIds' | 'evaluator' | 'openClasses'> {
  /** The file or folder that the data came from. */
  readonly source: string;
  /** Images in the order of the files; a `ProblemList` stands for an image that could not be read. */
  readonly images: readonly (AnnotatedImage | ProblemList)[];
  /** Numbers of images and objects in the files, including those that could not be read. */
  readonly listed: { readonly images: number; readonly annotations: number };
  /** Findings about the files as a whole. */
  readonly problems: ProblemList;
  readonly finder: ImageFinder;
}

/** Up to this many images, `auto` decodes them to find damage; for more it reads only the headers. */
const DECODED = 5000;
/** Number of images between two turns of the event loop. */
const TURN = 256;

/**
 * Finds and checks the images and checks the boxes. All readers share this part.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when all boxes are fractions although the format uses pixels,
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
      // Headers are read synchronously, so the event loop needs a turn to handle signals.
      await nextTurn();
    }
    return isLost(image) ? undefined : makeRecord(image, finder, level, table, memory);
  });
  await memory.save();
  for (const image of images) for (const found of listOf(image).problems) problems.problems.push(found);
  if (strict === true) problems.refuse(source);
  table.trim();
  // When the format has no ids, objects are numbered through the whole data set from 1.
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

/** A record whose objects are consecutive rows of the table. */
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
  // Read once: a getter may create the objects anew on each access.
  const { objects } = annotated;
  if (image === undefined) {
    const lost = `${count(objects.length, 'object')} went with the image`;
    if (objects.length > 0) problems.add('annotation', 'annotation-orphaned', where, lost);
    return undefined;
  }
  // Nothing is awaited from here on, so that the rows of a record are consecutive.
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
  if (category === undefined) throw new TypeError(`${object.describe()} has neither a class nor a finding`);
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

/** Whether a box that should be in pixels is in fractions: it lies within the first pixel, with an edge that is not an integer. */
const isFraction = (box: Box): boolean =>
  box.every((edge) => edge >= -1 && edge <= 1.0001) && box.some((edge) => !Number.isInteger(edge));

function refuseFractions(source: string, images: AnnotatedData['images']): void {
  let first: AnnotatedObject | undefined;
  for (const image of images) {
    if (isLost(image) || image.unit === 'fraction') continue;
    for (const object of image.objects) {
      // An object that is dropped for another reason has no valid box.
      if (object.finding?.effect === 'annotation') continue;
      // In most data the first object settles it.
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

/** Stands for a missing or invalid box. */
export const NO_BOX: Box = [NaN, NaN, NaN, NaN];

/** The box around points, given as x0, y0, x1, y1, ... */
export function boxAround(points: readonly number[]): Box {
  const [x, y] = [0, 1].map((rest) => points.filter((_, place) => place % 2 === rest)) as [number[], number[]];
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [least(x), least(y), most(x), most(y)];
}
