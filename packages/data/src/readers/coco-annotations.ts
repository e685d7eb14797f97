import type { Box } from '../catalog/dataset-record.ts';
import { asFlag, asNumber, isObject, type Fields } from './json-fields.ts';
import { type AnnotatedObject, boxAround, NO_BOX } from './make-dataset.ts';

/** Numbers of an entry as the file has them: id, image, category, x, y, width, height, area. */
const WIDTH = 8;

/** What an entry's numbers are. */
const PLAIN = 1;
const CROWD = 2;

/** An id that is a whole number, also where it is written as a text. */
export const asId = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
};

/** The key by which ids of images are compared: 7 and "7" are the same one. */
export function keyOf(id: unknown): number | string | undefined {
  if (typeof id === 'number') return Number.isFinite(id) ? id : undefined;
  if (typeof id !== 'string') return undefined;
  const number = Number(id);
  return Number.isFinite(number) && String(number) === id ? number : id;
}

/**
 * The entries of "annotations". Those that are as COCO has them are numbers in one array; the others, which may have an id
 * that is a text or no box, are kept as they are.
 */
export class CocoAnnotations {
  length = 0;
  #numbers = new Float64Array(64 * WIDTH);
  #flags = new Uint8Array(64);
  readonly #others = new Map<number, unknown>();
  readonly #ids = new StatedIds();

  /** @param whole gives the entry with its outline */
  add(entry: unknown, whole: () => unknown): void {
    const place = this.length++;
    if (place === this.#flags.length) this.#grow();
    if (!isObject(entry)) {
      this.#ids.add(undefined);
      this.#others.set(place, entry);
      return;
    }
    const { id, image_id: image, category_id: category, bbox, iscrowd = 0, area = NaN } = entry;
    this.#ids.add(id);
    const isPlain =
      Number.isSafeInteger(id) &&
      Number.isFinite(image) &&
      Number.isSafeInteger(category) &&
      isFourNumbers(bbox) &&
      (iscrowd === 0 || iscrowd === 1) &&
      typeof area === 'number';
    if (!isPlain) {
      this.#others.set(place, bbox === undefined || bbox === null ? whole() : entry);
      return;
    }
    const at = place * WIDTH;
    const numbers = this.#numbers;
    numbers[at] = id as number;
    numbers[at + 1] = image as number;
    numbers[at + 2] = category as number;
    numbers.set(bbox, at + 3);
    numbers[at + 7] = area;
    this.#flags[place] = PLAIN | (iscrowd === 1 ? CROWD : 0);
  }

  /** Why the ids mean nothing, so that entries are numbered in their order; undefined where they are ids. */
  get idless(): string | undefined {
    return this.#ids.idless;
  }

  /** The id of an entry; undefined where it has none, or is no object at all. */
  idOf(place: number): number | undefined {
    if (this.#isPlain(place)) return this.#numbers[place * WIDTH];
    const entry = this.#others.get(place);
    return isObject(entry) ? asId(entry['id']) : undefined;
  }

  /** Whether an entry is an object, whatever is in it. */
  isObject(place: number): boolean {
    return this.#isPlain(place) || isObject(this.#others.get(place));
  }

  /** The key of an entry's image, see {@link keyOf}. */
  imageKeyOf(place: number): number | string | undefined {
    return this.#isPlain(place)
      ? this.#numbers[place * WIDTH + 1]
      : keyOf((this.#others.get(place) as Fields)['image_id']);
  }

  /** Whether an object is of a category, by the id of that. */
  hasCategory(id: number): boolean {
    for (let place = 0; place < this.length; place++) {
      const entry = this.#others.get(place);
      const category = this.#isPlain(place)
        ? this.#numbers[place * WIDTH + 2]
        : isObject(entry) && asId(entry['category_id']);
      if (category === id) return true;
    }
    return false;
  }

  /**
   * The object of an entry, with what is wrong with it.
   *
   * @param categories places by the ids of the file, which are texts here
   */
  object(place: number, id: number, categories: ReadonlyMap<string, number>): AnnotatedObject {
    if (!this.#isPlain(place)) return readAnnotation(id, this.#others.get(place) as Fields, categories);
    const at = place * WIDTH;
    const number = (which: number): number => this.#numbers[at + which] as number;
    const [x, y, width, height] = [number(3), number(4), number(5), number(6)];
    const category = categories.get(String(number(2)));
    if (category === undefined) return unknownCategory(id, String(number(2)));
    const iscrowd = ((this.#flags[place] as number) & CROWD) === 0 ? 0 : 1;
    return objectOf(id, category, iscrowd, number(7), [x, y, x + width, y + height], () => [x, y, width, height]);
  }

  #isPlain(place: number): boolean {
    return ((this.#flags[place] as number) & PLAIN) !== 0;
  }

  #grow(): void {
    const [numbers, flags] = [this.#numbers, this.#flags];
    this.#numbers = new Float64Array(numbers.length * 2);
    this.#numbers.set(numbers);
    this.#flags = new Uint8Array(flags.length * 2);
    this.#flags.set(flags);
  }
}

const isFourNumbers = (bbox: unknown): bbox is readonly number[] =>
  Array.isArray(bbox) && bbox.length === 4 && bbox.every((edge) => Number.isFinite(edge));

/** Looks at the ids of entries as they come: they mean nothing but themselves, and a file may have none worth the name. */
class StatedIds {
  #count = 0;
  #absent = 0;
  #texts = 0;
  #unreadable = 0;
  #areSame = true;
  #first: number | undefined;

  add(stated: unknown): void {
    const id = asId(stated);
    if (this.#count++ === 0) this.#first = id;
    if (stated === undefined || stated === null) this.#absent++;
    if (typeof stated === 'string') this.#texts++;
    if (id === undefined) this.#unreadable++;
    if (id === undefined || id !== this.#first) this.#areSame = false;
  }

  get idless(): string | undefined {
    if (this.#count === 0) return undefined;
    if (this.#absent === this.#count) return 'no annotation has an "id"';
    // Two that are the same are a slip; more than that are a tool that writes no ids.
    if (this.#areSame && this.#count > (this.#first === 0 ? 1 : 2))
      return `all annotations have the id ${this.#first ?? ''}`;
    return this.#texts === this.#count && this.#unreadable > 0 ? 'the ids of annotations are texts' : undefined;
  }
}

/** An object that is left out, and why. */
export const dropped = (
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

const unknownCategory = (id: number, name: string): AnnotatedObject =>
  dropped(id, 'category-unknown', `annotation ${id}: category ${name} is not in "categories"`);

function readAnnotation(id: number, fields: Fields, categories: ReadonlyMap<string, number>): AnnotatedObject {
  const what = `annotation ${id}`;
  const { category_id: stated, bbox, iscrowd: crowd } = fields;
  if (stated === undefined || stated === null) return dropped(id, 'annotation-invalid', `${what} has no "category_id"`);
  const name = String(asId(stated) ?? (typeof stated === 'string' ? stated : JSON.stringify(stated)));
  const category = categories.get(name);
  if (category === undefined) return unknownCategory(id, name);
  const box = bbox === undefined || bbox === null ? boxOfPolygons(fields['segmentation']) : edgesOf(bbox);
  if (box === undefined) return dropped(id, 'annotation-invalid', `${what} has no "bbox"`);
  const iscrowd = crowd === undefined || crowd === null ? 0 : asFlag(crowd);
  if (iscrowd === undefined)
    return dropped(id, 'annotation-invalid', `${what}: "iscrowd" is ${JSON.stringify(crowd)}, not 0 or 1`);
  return objectOf(id, category, iscrowd, asNumber(fields['area']), box, () => bbox);
}

/** @param area undefined, NaN or negative where the file has none */
function objectOf(
  id: number,
  category: number,
  iscrowd: 0 | 1,
  area: number | undefined,
  box: Box,
  bbox: () => unknown,
): AnnotatedObject {
  const what = `annotation ${id}`;
  return {
    id,
    box,
    category,
    iscrowd,
    area: area !== undefined && area >= 0 && Number.isFinite(area) ? area : undefined,
    describe: () => {
      const edges = bbox();
      return `${what}: bbox ${Array.isArray(edges) ? `[${edges.map((edge) => JSON.stringify(edge)).join(', ')}]` : JSON.stringify(edges)}`;
    },
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
