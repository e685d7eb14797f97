import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describeCause, HooklineError } from '@hookline/core';
import type { DatasetAnnotation, DatasetRecord } from '../catalog/dataset-record.ts';
import { checkBox } from './check-box.ts';
import { checkImage } from './check-image.ts';
import type { Dataset, ReaderOptions } from './dataset.ts';
import { count, ProblemList } from './dataset-report.ts';
import { asNumber, asSize, isObject, type Fields } from './json-fields.ts';
import { mapLimited } from './map-limited.ts';

/** Options of {@link readCoco}. */
export interface ReadCocoOptions extends ReaderOptions {
  /** The JSON file. */
  readonly json: string;
  /** Folder that its file names start from. Default: the folder of the JSON file. */
  readonly images?: string;
}

/** An image with what the file says of its objects. */
interface CocoImage {
  readonly id: number | string;
  readonly file: string;
  readonly fields: Fields;
  readonly annotations: Fields[];
}

/**
 * Reads a data set in COCO's JSON format. Boxes become edges in pixels, category ids become 0 to n - 1 in the order of
 * the ids. What is wrong with an image or an object drops it, and the report says so.
 *
 * @throws HooklineError `HKL_DATASET_UNREADABLE` when the JSON file as a whole cannot be used, `HKL_DATASET_INVALID`
 * with `strict` when anything would be dropped or changed
 */
export async function readCoco({ json, images, checkImages = 'decode', strict }: ReadCocoOptions): Promise<Dataset> {
  const file = await parseFile(json);
  const problems = new ProblemList();
  const categories = readCategories(json, file['categories'] as unknown[]);
  const found = collectImages(json, images ?? dirname(json), file['images'] as unknown[], problems);
  assignAnnotations(json, file['annotations'] as unknown[], found, problems);
  const categoryIds = categories.map(({ id }) => id);
  const index = new Map(categoryIds.map((id, category) => [id, category]));
  const records = await mapLimited([...found.values()], availableParallelism() * 2, async (image) => {
    // Its own list: images are looked at in parallel, and the report keeps their order.
    const own = new ProblemList();
    return { record: await readImage(image, index, checkImages, own), own };
  });
  for (const { own } of records) problems.problems.push(...own.problems);
  if (strict === true) problems.refuse(json);
  const kept = records.flatMap(({ record }) => (record === undefined ? [] : [record]));
  return {
    records: kept,
    metadata: { classes: categories.map(({ name }) => name), categoryIds, evaluator: 'coco', source: json },
    report: {
      source: json,
      images: (file['images'] as unknown[]).length,
      annotations: (file['annotations'] as unknown[]).length,
      keptImages: kept.length,
      keptAnnotations: kept.reduce((sum, { annotations }) => sum + annotations.length, 0),
      problems: problems.problems,
    },
  };
}

function unreadable(json: string, what: string, cause?: unknown): HooklineError {
  return new HooklineError('HKL_DATASET_UNREADABLE', what, {
    who: json,
    fix: 'Give a detection file of COCO: one object with the lists "images", "annotations" and "categories"',
    cause,
  });
}

async function parseFile(json: string): Promise<Fields> {
  let file: unknown;
  try {
    file = JSON.parse(await readFile(json, 'utf8'));
  } catch (cause) {
    throw unreadable(json, `it cannot be read: ${describeCause(cause)}`, cause);
  }
  if (!isObject(file)) throw unreadable(json, 'it does not hold an object');
  const missing = ['images', 'annotations', 'categories'].filter((name) => !Array.isArray(file[name]));
  if (missing.length > 0) throw unreadable(json, `it has no list "${missing.join('", "')}"`);
  return file;
}

/** Without sound categories no label means anything, so these refuse the file. */
function readCategories(json: string, list: readonly unknown[]): { id: number; name: string }[] {
  const categories = list.map((entry, place) => {
    const { id, name } = isObject(entry) ? entry : {};
    if (Number.isSafeInteger(id) && typeof name === 'string' && name !== '') return { id: id as number, name };
    throw unreadable(json, `category ${place} needs an integer "id" and a "name", and is ${JSON.stringify(entry)}`);
  });
  const ids = categories.map(({ id }) => id);
  const twice = ids.find((id, place) => ids.indexOf(id) !== place);
  if (twice !== undefined) throw unreadable(json, `two categories have the id ${twice}`);
  return categories.sort((a, b) => a.id - b.id);
}

function collectImages(
  json: string,
  folder: string,
  list: readonly unknown[],
  problems: ProblemList,
): Map<unknown, CocoImage> {
  const images = new Map<unknown, CocoImage>();
  for (const [place, entry] of list.entries()) {
    const fields = isObject(entry) ? entry : {};
    const { id, file_name: name } = fields;
    const named = typeof name === 'string' && name !== '';
    const file = named ? join(folder, name) : json;
    if (!named || (typeof id !== 'number' && typeof id !== 'string')) {
      problems.add('image', 'image-invalid', file, `entry ${place} of "images" needs "id" and "file_name"`);
      continue;
    }
    const first = images.get(id);
    if (first === undefined) images.set(id, { id, file, fields, annotations: [] });
    else problems.add('image', 'duplicate-image-id', file, `image id ${id} is that of ${first.file} already`);
  }
  return images;
}

function assignAnnotations(
  json: string,
  list: readonly unknown[],
  images: ReadonlyMap<unknown, CocoImage>,
  problems: ProblemList,
): void {
  const ids = new Set<unknown>();
  for (const [place, fields] of list.entries()) {
    if (!isObject(fields) || !Number.isSafeInteger(fields['id'])) {
      problems.add('annotation', 'annotation-invalid', json, `entry ${place} of "annotations" needs an integer "id"`);
      continue;
    }
    const { id, image_id: imageId } = fields;
    const image = images.get(imageId);
    if (image === undefined) {
      const message = `annotation ${String(id)} is of image ${String(imageId)}, which is not in "images"`;
      problems.add('annotation', 'annotation-orphaned', json, message);
    } else if (ids.has(id)) {
      const message = `annotation id ${String(id)} is there twice; the first one is kept`;
      problems.add('annotation', 'duplicate-annotation-id', image.file, message);
    } else image.annotations.push(fields);
    ids.add(id);
  }
}

async function readImage(
  { id, file, fields, annotations }: CocoImage,
  categories: ReadonlyMap<unknown, number>,
  level: NonNullable<ReaderOptions['checkImages']>,
  problems: ProblemList,
): Promise<DatasetRecord | undefined> {
  const stated = { width: asSize(fields['width']), height: asSize(fields['height']) };
  const image = await checkImage(file, stated, level, problems);
  if (image === undefined) {
    if (annotations.length > 0)
      problems.add(
        'annotation',
        'annotation-orphaned',
        file,
        `${count(annotations.length, 'object')} went with the image`,
      );
    return undefined;
  }
  const objects = annotations.flatMap((each) => readAnnotation(each, image, categories, file, problems) ?? []);
  return { file, ...image, imageId: id, annotations: objects };
}

function readAnnotation(
  fields: Fields,
  image: { readonly width: number; readonly height: number },
  categories: ReadonlyMap<unknown, number>,
  file: string,
  problems: ProblemList,
): DatasetAnnotation | undefined {
  const id = fields['id'] as number;
  const what = `annotation ${id}`;
  const category = categories.get(fields['category_id']);
  if (category === undefined) {
    const message = `${what}: category ${String(fields['category_id'])} is not in "categories"`;
    problems.add('annotation', 'category-unknown', file, message);
    return undefined;
  }
  const { bbox } = fields;
  const numbers = Array.isArray(bbox) && bbox.length === 4 ? bbox.map((edge) => asNumber(edge) ?? NaN) : [];
  const [x = NaN, y = NaN, w = NaN, h = NaN] = numbers;
  const shown = Array.isArray(bbox) ? `[${bbox.map((edge) => JSON.stringify(edge)).join(', ')}]` : JSON.stringify(bbox);
  const box = checkBox([x, y, x + w, y + h], image, `${what}: bbox ${shown}`, file, problems);
  if (box === undefined) return undefined;
  const iscrowd = fields['iscrowd'] ?? 0;
  if (iscrowd !== 0 && iscrowd !== 1) {
    problems.add(
      'annotation',
      'annotation-invalid',
      file,
      `${what}: "iscrowd" is ${JSON.stringify(iscrowd)}, not 0 or 1`,
    );
    return undefined;
  }
  if (iscrowd === 1) problems.add('note', 'crowd', file, `${what} is a crowd: no training target`);
  const area = asNumber(fields['area']);
  const boxArea = (box[2] - box[0]) * (box[3] - box[1]);
  return { id, box, category, iscrowd, area: area !== undefined && area >= 0 ? area : boxArea };
}
