import { dirname, relative, sep } from 'node:path';
import { assertKnownOptions, describeCause, HooklineError, type OptionNames } from '@hookline/core';
import type { Box } from '../catalog/dataset-record.ts';
import { type Dataset, READER_OPTIONS, type ReaderOptions } from './dataset.ts';
import { ProblemList } from './dataset-report.ts';
import { ImageFinder, type ImageHints } from './find-image.ts';
import { asFlag, asNumber, asSize, isObject, type Fields } from './json-fields.ts';
import { type AnnotatedImage, type AnnotatedObject, boxAround, makeDataset, NO_BOX } from './make-dataset.ts';
import { parseJson, readText } from './read-text.ts';

/** Options of {@link readCoco}. */
export interface ReadCocoOptions extends ReaderOptions {
  /** The JSON file. */
  readonly json: string;
  /** Folder that its file names start from. Default: the folder of the JSON file. */
  readonly images?: string;
  /** Folder of all the data: images that are not where their names say are looked for in it. Default: that of the images. */
  readonly root?: string;
}

/** Names of {@link ReadCocoOptions}. */
const READ_COCO_OPTIONS = {
  ...READER_OPTIONS,
  json: true,
  images: true,
  root: true,
} as const satisfies OptionNames<ReadCocoOptions>;

/** What a COCO file is read with, once its folder is known. */
export interface CocoSource {
  readonly json: string;
  readonly finder: ImageFinder;
  /** Folders that file names may start from. */
  readonly hints: ImageHints;
}

/**
 * Reads a data set in COCO's JSON format. Boxes become edges in pixels, category ids become 0 to n - 1 in the order of
 * the ids. What is wrong with an image or an object drops it, and the report says so.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the JSON file as a whole cannot be used, `HKL_DATASET_INVALID`
 * with `strict` when anything would be dropped or changed
 */
export async function readCoco(given: ReadCocoOptions): Promise<Dataset> {
  assertKnownOptions('readCoco', given, READ_COCO_OPTIONS);
  const { json, images, root, outside = [], ...options } = given;
  // Before the folder is listed: a file that is not there has none.
  const file = await parseFile(json);
  const folder = images ?? dirname(json);
  const whole = root ?? folder;
  const finder = await finderOf(whole, images === undefined ? outside : [images, ...outside]);
  const from = relative(whole, folder).split(sep).join('/');
  return readParsed(file, { json, finder, hints: { folders: [from] } }, options);
}

/** Reads a COCO file of a folder that has been listed. @throws HooklineError those of {@link readCoco} */
export async function readCocoFile(source: CocoSource, options: ReaderOptions): Promise<Dataset> {
  return readParsed(await parseFile(source.json), source, options);
}

async function finderOf(root: string, outside: readonly string[]): Promise<ImageFinder> {
  try {
    return await ImageFinder.of(root, outside);
  } catch (cause) {
    throw new HooklineError(
      'HKL_DATASET_UNREADABLE',
      `the folder of the images cannot be read: ${describeCause(cause)}`,
      {
        who: root,
        fix: 'Give as `images` the folder that the file names start from',
        cause,
      },
    );
  }
}

async function readParsed(
  file: CocoFile,
  { json, finder, hints }: CocoSource,
  options: Omit<ReaderOptions, 'outside'>,
): Promise<Dataset> {
  const problems = new ProblemList();
  const categories = readCategories(json, file, problems);
  const index = new Map(categories.map(({ id }, category) => [String(id), category]));
  const objects = groupAnnotations(json, file, index, problems);
  return makeDataset(
    {
      source: json,
      images: collectImages(json, file.images, objects, hints, problems),
      listed: { images: file.images.length, annotations: file.annotations.length },
      classes: categories.map(({ name }) => name),
      categoryIds: categories.map(({ id }) => id),
      evaluator: 'coco',
      problems,
      finder,
    },
    options,
  );
}

const FIX = 'Give a detection file of COCO: one object with the lists "images", "annotations" and "categories"';

function unreadable(json: string, what: string, cause?: unknown, fix = FIX): HooklineError {
  return new HooklineError('HKL_DATASET_UNREADABLE', what, { who: json, fix, cause });
}

/** The lists of a COCO file, their entries unchecked. */
interface CocoFile {
  readonly images: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly categories: readonly unknown[];
}

async function parseFile(json: string): Promise<CocoFile> {
  let file: unknown;
  try {
    file = parseJson(await readText(json));
  } catch (cause) {
    throw unreadable(json, `it cannot be read: ${describeCause(cause)}`, cause);
  }
  if (!isObject(file)) throw unreadable(json, 'it does not hold an object');
  const missing = ['images', 'annotations', 'categories'].filter((name) => !Array.isArray(file[name]));
  if (missing.length > 0) throw unreadable(json, `it has no list "${missing.join('", "')}"`);
  return file as unknown as CocoFile;
}

interface Category {
  readonly id: number;
  readonly name: string;
  readonly above: unknown;
}

/** Without sound categories no label means anything, so these refuse the file. */
function readCategories(json: string, { categories: list, annotations }: CocoFile, problems: ProblemList): Category[] {
  const categories = list.map((entry, place): Category => {
    const { id, name, supercategory } = isObject(entry) ? entry : {};
    const number = asId(id);
    if (number !== undefined && typeof name === 'string' && name !== '')
      return { id: number, name, above: supercategory };
    throw unreadable(json, `category ${place} needs an integer "id" and a "name", and is ${JSON.stringify(entry)}`);
  });
  const ids = categories.map(({ id }) => id);
  const twice = ids.find((id, place) => ids.indexOf(id) !== place);
  if (twice !== undefined) throw unreadable(json, `two categories have the id ${twice}`);
  const isUsed = (id: number): boolean =>
    annotations.some((annotation) => isObject(annotation) && asId(annotation['category_id']) === id);
  const kept = categories.filter((category) => {
    if (!isRoot(category, categories) || isUsed(category.id)) return true;
    const message = `category ${category.id}, "${category.name}", is the heading of the others and no object has it: it is left out`;
    problems.add('note', 'category-left-out', json, message);
    return false;
  });
  const names = kept.map(({ name }) => name);
  const same = kept.find(({ name }, place) => names.indexOf(name) !== place);
  if (same !== undefined) {
    const [first, second] = kept.filter(({ name }) => name === same.name) as [Category, Category];
    throw unreadable(
      json,
      `categories ${first.id} and ${second.id} are both called "${same.name}"`,
      undefined,
      `Give one of them another name, or give its objects the "category_id" of the other and take it out of "categories"`,
    );
  }
  return kept.sort((a, b) => a.id - b.id);
}

/** Roboflow's first category: the name of the project, under which all others are. */
const isRoot = ({ id, name, above }: Category, all: readonly Category[]): boolean =>
  all.length > 1 &&
  (above === undefined || above === 'none' || above === '' || above === name) &&
  all.every((other) => other.id === id || (other.id > id && other.above === name));

/** An id that is a whole number, also where it is written as a text. */
const asId = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
};

/** The key by which ids of images are compared: 7 and "7" are the same one. */
const keyOf = (id: unknown): string | undefined =>
  typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id)) ? String(id) : undefined;

function collectImages(
  json: string,
  list: readonly unknown[],
  objects: Map<string, AnnotatedObject[]>,
  hints: ImageHints,
  problems: ProblemList,
): AnnotatedImage[] {
  const images = new Map<string, AnnotatedImage>();
  refuseOneId(json, list);
  for (const [place, entry] of list.entries()) {
    const fields = isObject(entry) ? entry : {};
    const { id, width, height } = fields;
    const key = keyOf(id);
    const name = nameOf(fields);
    if (name === undefined || key === undefined) {
      const file = name === undefined ? json : `${json}: ${name}`;
      problems.add('image', 'image-invalid', file, `entry ${place} of "images" needs "id" and "file_name"`);
      continue;
    }
    const first = images.get(key);
    if (first === undefined) {
      images.set(key, {
        imageId: id as number | string,
        name,
        hints,
        stated: { width: asSize(width), height: asSize(height) },
        unit: 'pixel',
        objects: objects.get(key) ?? [],
        problems: new ProblemList(),
      });
    } else
      problems.add(
        'image',
        'duplicate-image-id',
        json,
        `image id ${key} of "${name}" is that of "${first.name ?? ''}" already`,
      );
  }
  for (const [key, lost] of objects) {
    if (images.has(key)) continue;
    for (const { id } of lost)
      problems.add(
        'annotation',
        'annotation-orphaned',
        json,
        `annotation ${id} is of image ${key}, which is not in "images"`,
      );
  }
  return [...images.values()];
}

/** coco-annotator has a path beside the name; a file without names may have addresses. */
function nameOf({ file_name, path, coco_url: url }: Fields): string | undefined {
  return [file_name, path, url].find((name): name is string => typeof name === 'string' && name.trim() !== '');
}

/** Nothing can be said of which object is where: not one image is dropped, but all are refused. */
function refuseOneId(json: string, list: readonly unknown[]): void {
  const ids = list.map((entry) => (isObject(entry) ? keyOf(entry['id']) : undefined));
  if (ids.length < 2 || ids.some((id) => id !== ids[0])) return;
  const what = ids[0] === undefined ? 'no image has an "id"' : `all ${ids.length} images have the id ${ids[0]}`;
  throw unreadable(
    json,
    `${what}, so that nothing says which object is in which image`,
    undefined,
    'Number the images, and give each annotation the number of its image as "image_id"',
  );
}

function groupAnnotations(
  json: string,
  { annotations: list }: CocoFile,
  categories: ReadonlyMap<string, number>,
  problems: ProblemList,
): Map<string, AnnotatedObject[]> {
  const ids = annotationIds(json, list, problems);
  const seen = new Set<number>();
  const groups = new Map<string, AnnotatedObject[]>();
  for (const [place, fields] of list.entries()) {
    const id = ids[place];
    if (!isObject(fields) || id === undefined) {
      problems.add('annotation', 'annotation-invalid', json, `entry ${place} of "annotations" needs an integer "id"`);
      continue;
    }
    const key = keyOf(fields['image_id']);
    if (key === undefined) {
      problems.add('annotation', 'annotation-invalid', json, `annotation ${id} has no "image_id"`);
      continue;
    }
    const object = seen.has(id)
      ? dropped(id, 'duplicate-annotation-id', `annotation id ${id} is there twice; the first one is kept`)
      : readAnnotation(id, fields, categories);
    seen.add(id);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [object]);
    else group.push(object);
  }
  return groups;
}

/** The ids of annotations mean nothing but themselves: where the file has none worth the name, they are numbered anew. */
function annotationIds(json: string, list: readonly unknown[], problems: ProblemList): (number | undefined)[] {
  const stated = list.map((entry) => (isObject(entry) ? entry['id'] : undefined));
  const ids = stated.map(asId);
  const areAbsent = stated.every((id) => id === undefined || id === null);
  // Two that are the same are a slip; more than that are a tool that writes no ids.
  const areSame =
    ids.every((id) => id !== undefined && id === ids[0]) && (ids[0] === 0 ? list.length > 1 : list.length > 2);
  const areTexts = stated.every((id) => typeof id === 'string') && ids.includes(undefined);
  if (list.length === 0 || !(areAbsent || areSame || areTexts)) return ids;
  const what = areAbsent
    ? 'no annotation has an "id"'
    : areSame
      ? `all annotations have the id ${ids[0] ?? ''}`
      : 'the ids of annotations are texts';
  problems.add('note', 'ids-renumbered', json, `${what}: they are numbered in their order`);
  return list.map((_, place) => place + 1);
}

const dropped = (
  id: number,
  kind: NonNullable<AnnotatedObject['finding']>['kind'],
  message: string,
): AnnotatedObject => ({
  id,
  box: NO_BOX,
  category: -1,
  describe: () => `annotation ${id}`,
  finding: { effect: 'annotation', kind, message },
});

function readAnnotation(id: number, fields: Fields, categories: ReadonlyMap<string, number>): AnnotatedObject {
  const what = `annotation ${id}`;
  const { category_id: stated, bbox, iscrowd: crowd } = fields;
  if (stated === undefined || stated === null) return dropped(id, 'annotation-invalid', `${what} has no "category_id"`);
  const name = String(asId(stated) ?? (typeof stated === 'string' ? stated : JSON.stringify(stated)));
  const category = categories.get(name);
  if (category === undefined)
    return dropped(id, 'category-unknown', `${what}: category ${name} is not in "categories"`);
  const box = bbox === undefined || bbox === null ? boxOfPolygons(fields['segmentation']) : edgesOf(bbox);
  if (box === undefined) return dropped(id, 'annotation-invalid', `${what} has no "bbox"`);
  const iscrowd = crowd === undefined || crowd === null ? 0 : asFlag(crowd);
  if (iscrowd === undefined)
    return dropped(id, 'annotation-invalid', `${what}: "iscrowd" is ${JSON.stringify(crowd)}, not 0 or 1`);
  const area = asNumber(fields['area']);
  return {
    id,
    box,
    category,
    iscrowd,
    area: area !== undefined && area >= 0 ? area : undefined,
    describe: () =>
      `${what}: bbox ${Array.isArray(bbox) ? `[${bbox.map((edge) => JSON.stringify(edge)).join(', ')}]` : JSON.stringify(bbox)}`,
    finding:
      iscrowd === 1 ? { effect: 'note', kind: 'crowd', message: `${what} is a crowd: no training target` } : undefined,
  };
}

function edgesOf(bbox: unknown): Box {
  if (!Array.isArray(bbox) || bbox.length !== 4) return NO_BOX;
  const [x = NaN, y = NaN, width = NaN, height = NaN] = bbox.map((edge) => asNumber(edge) ?? NaN);
  return [x, y, x + width, y + height];
}

/** The box around polygons, for tools that leave the box out; undefined where there is no polygon. */
function boxOfPolygons(segmentation: unknown): Box | undefined {
  if (!Array.isArray(segmentation)) return undefined;
  const numbers = segmentation.flat().map((value) => asNumber(value) ?? NaN);
  return numbers.length < 6 ? undefined : boxAround(numbers);
}
