import { dirname, relative, sep } from 'node:path';
import { assertKnownOptions, describeCause, HooklineError, type OptionNames } from '@hookline/core';
import type { StatedSize } from './check-image.ts';
import { asId, dropped, keyOf } from './coco-annotations.ts';
import { type CocoFile, type CocoImage, readCocoLists, unreadable } from './coco-file.ts';
import { type Dataset, READER_OPTIONS, type ReaderOptions } from './dataset.ts';
import { ProblemList } from './dataset-report.ts';
import { ImageFinder, type ImageHints } from './find-image.ts';
import { asSize, isObject } from './json-fields.ts';
import { type AnnotatedImage, type AnnotatedObject, makeDataset } from './make-dataset.ts';

/** Options of {@link readCoco}. */
export interface ReadCocoOptions extends ReaderOptions {
  /** Path of the JSON file. */
  readonly json: string;
  /** Folder to which the file names are relative. @default the folder of the JSON file */
  readonly images?: string;
  /** Folder of all the data, which is searched for images that are not where their names say. @default `images` */
  readonly root?: string;
}

/** Names of {@link ReadCocoOptions}. */
const READ_COCO_OPTIONS = {
  ...READER_OPTIONS,
  json: true,
  images: true,
  root: true,
} as const satisfies OptionNames<ReadCocoOptions>;

/** A COCO file whose folder has been listed. */
export interface CocoSource {
  readonly json: string;
  readonly finder: ImageFinder;
  /** Folders to which the file names may be relative. */
  readonly hints: ImageHints;
}

/**
 * Reads a data set in COCO's JSON format. Boxes become edges x0, y0, x1, y1 in pixels, and category ids become class indices 0
 * to n - 1 in the order of the ids. Invalid images and objects are dropped and listed in the report.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the JSON file as a whole cannot be used, `HKL_DATASET_INVALID`
 * with `strict` when anything would be dropped or changed
 */
export async function readCoco(given: ReadCocoOptions): Promise<Dataset> {
  assertKnownOptions('readCoco', given, READ_COCO_OPTIONS);
  const { json, images, root, outside = [], ...options } = given;
  // Read before the folder is listed, so that a missing JSON file is reported as such.
  const file = await readCocoLists(json);
  const folder = images ?? dirname(json);
  const whole = root ?? folder;
  const finder = await finderOf(whole, images === undefined ? outside : [images, ...outside]);
  const from = relative(whole, folder).split(sep).join('/');
  return readParsed(file, { json, finder, hints: { folders: [from] } }, options);
}

/** Reads a COCO file of a folder that has been listed. @throws HooklineError as {@link readCoco} does */
export async function readCocoFile(source: CocoSource, options: ReaderOptions): Promise<Dataset> {
  return readParsed(await readCocoLists(source.json), source, options);
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
  const index = new Map<number | string, number>(categories.map(({ id }, category) => [id, category]));
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

interface Category {
  readonly id: number;
  readonly name: string;
  readonly above: unknown;
}

/** Reads the categories. Invalid ones make the whole file unreadable, because then no label means anything. */
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
  const kept = categories.filter((category) => {
    if (!isRoot(category, categories) || annotations.hasCategory(category.id)) return true;
    const message = `category ${category.id}, "${category.name}", is the supercategory of the others and no object has it: it is left out`;
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

/** Whether a category is the first one of Roboflow: the name of the project, with all others as subcategories. */
const isRoot = ({ id, name, above }: Category, all: readonly Category[]): boolean =>
  all.length > 1 &&
  (above === undefined || above === 'none' || above === '' || above === name) &&
  all.every((other) => other.id === id || (other.id > id && other.above === name));

/** An image of the file. Its objects are created on each access. */
class ListedImage implements AnnotatedImage {
  readonly imageId: number | string;
  readonly name: string;
  readonly hints: ImageHints;
  readonly stated: StatedSize;
  readonly unit = 'pixel';
  readonly problems = new ProblemList();
  readonly #objects: () => readonly AnnotatedObject[];

  constructor(
    imageId: number | string,
    name: string,
    { width, height }: CocoImage,
    hints: ImageHints,
    objects: () => readonly AnnotatedObject[],
  ) {
    this.imageId = imageId;
    this.name = name;
    this.stated = { width: asSize(width), height: asSize(height) };
    this.hints = hints;
    this.#objects = objects;
  }

  get objects(): readonly AnnotatedObject[] {
    return this.#objects();
  }
}

function collectImages(
  json: string,
  list: readonly CocoImage[],
  objects: ObjectGroups,
  hints: ImageHints,
  problems: ProblemList,
): AnnotatedImage[] {
  const images = new Map<number | string, AnnotatedImage>();
  refuseOneId(json, list);
  for (const [place, entry] of list.entries()) {
    const { id, name } = entry;
    const key = keyOf(id);
    if (name === undefined || key === undefined) {
      const file = name === undefined ? json : `${json}: ${name}`;
      problems.add('image', 'image-invalid', file, `entry ${place} of "images" needs "id" and "file_name"`);
      continue;
    }
    const first = images.get(key);
    if (first === undefined)
      images.set(key, new ListedImage(id as number | string, name, entry, hints, () => objects.of(key)));
    else
      problems.add(
        'image',
        'duplicate-image-id',
        json,
        `image id ${key} of "${name}" is that of "${first.name ?? ''}" already`,
      );
  }
  objects.eachWithout(images, (key, id) => {
    const message = `annotation ${id} is of image ${key}, which is not in "images"`;
    problems.add('annotation', 'annotation-orphaned', json, message);
  });
  return [...images.values()];
}

/** Refuses a file in which all images have the same id, since nothing then tells which object is in which image. */
function refuseOneId(json: string, list: readonly CocoImage[]): void {
  const first = keyOf(list[0]?.id);
  if (list.length < 2 || list.some(({ id }) => keyOf(id) !== first)) return;
  const what = first === undefined ? 'no image has an "id"' : `all ${list.length} images have the id ${first}`;
  throw unreadable(
    json,
    `${what}, so that nothing says which object is in which image`,
    undefined,
    'Number the images, and give each annotation the number of its image as "image_id"',
  );
}

/** Objects by the key of their image. */
interface ObjectGroups {
  readonly of: (image: number | string) => readonly AnnotatedObject[];
  /** Visits the objects of images that are not in `images`. */
  readonly eachWithout: (
    images: ReadonlyMap<number | string, unknown>,
    visit: (image: number | string, id: number) => void,
  ) => void;
}

function groupAnnotations(
  json: string,
  { annotations }: CocoFile,
  categories: ReadonlyMap<number | string, number>,
  problems: ProblemList,
): ObjectGroups {
  const { idless } = annotations;
  if (idless !== undefined) problems.add('note', 'ids-renumbered', json, `${idless}: they are numbered in their order`);
  const idOf = (place: number): number | undefined => (idless === undefined ? annotations.idOf(place) : place + 1);
  const twice = new Set<number>();
  const isSeen = makeSeen();
  // The objects of an image form a linked list: its first and last index, and the index that follows each one.
  const chains = new Map<number | string, number>();
  const [first, last]: [number[], number[]] = [[], []];
  const next = new Int32Array(annotations.length).fill(-1);
  for (let place = 0; place < annotations.length; place++) {
    const id = idOf(place);
    if (!annotations.isObject(place) || id === undefined) {
      problems.add('annotation', 'annotation-invalid', json, `entry ${place} of "annotations" needs an integer "id"`);
      continue;
    }
    const key = annotations.imageKeyOf(place);
    if (key === undefined) {
      problems.add('annotation', 'annotation-invalid', json, `annotation ${id} has no "image_id"`);
      continue;
    }
    if (isSeen(id)) twice.add(place);
    const chain = chains.get(key);
    if (chain === undefined) {
      chains.set(key, first.length);
      first.push(place);
      last.push(place);
    } else {
      next[last[chain] as number] = place;
      last[chain] = place;
    }
  }
  const objectAt = (place: number): AnnotatedObject => {
    const id = idOf(place) as number;
    return twice.has(place)
      ? dropped(id, 'duplicate-annotation-id', `annotation id ${id} is there twice; the first one is kept`)
      : annotations.object(place, id, categories);
  };
  const eachOf = (image: number | string, visit: (place: number) => void): void => {
    const chain = chains.get(image);
    if (chain === undefined) return;
    for (let place = first[chain] as number; place >= 0; place = next[place] as number) visit(place);
  };
  return {
    of: (image) => {
      const objects: AnnotatedObject[] = [];
      eachOf(image, (place) => objects.push(objectAt(place)));
      return objects;
    },
    eachWithout: (images, visit) => {
      for (const image of chains.keys())
        if (!images.has(image)) eachOf(image, (place) => visit(image, idOf(place) as number));
    },
  };
}

/** Tells whether an id has occurred before. While ids come in increasing order, no set of them is needed. */
function makeSeen(): (id: number) => boolean {
  let largest = -Infinity;
  let inOrder: number[] | undefined = [];
  let seen: Set<number> | undefined;
  return (id) => {
    if (seen === undefined && id > largest) {
      largest = id;
      inOrder?.push(id);
      return false;
    }
    seen ??= new Set(inOrder);
    inOrder = undefined;
    const isThere = seen.has(id);
    seen.add(id);
    return isThere;
  };
}
