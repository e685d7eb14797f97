import type { Box } from '../records/dataset-record.ts';
import { asFlag, asNumber, isObject, type Fields } from './json-fields.ts';
import { type AnnotatedObject, boxAround, NO_BOX } from './make-dataset.ts';
import { FIELD, type ScannedAnnotation } from './scan-annotation.ts';

/** How many numbers of an entry are kept, see {@link FIELD}. `iscrowd` is kept as a flag instead. */
const WIDTH = 8;

/** Flags of an entry: whether it is stored as numbers, and whether it is a crowd. */
const PLAIN = 1;
const CROWD = 2;

/** An integer id, also when it is written as a string; undefined for anything else. */
export const asId = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
};

/** The key by which image ids are compared: 7 and "7" have the same key. Undefined for a value that cannot be an id. */
export function keyOf(id: unknown): number | string | undefined {
  if (typeof id === 'number') return Number.isFinite(id) ? id : undefined;
  if (typeof id !== 'string') return undefined;
  const number = Number(id);
  return Number.isFinite(number) && String(number) === id ? number : id;
}

/**
 * The entries of "annotations". Entries in COCO's usual form are stored as numbers in one array. The others, for example
 * with a string id or without a box, are kept as parsed objects.
 */
export class CocoAnnotations {
  length = 0;
  #numbers = new Float64Array(64 * WIDTH);
  #flags = new Uint8Array(64);
  readonly #others = new Map<number, unknown>();
  readonly #ids = new StatedIds();

  /**
   * Adds an entry that was parsed as JSON.
   *
   * @param whole parses the entry with its segmentation, which is needed when it has no box
   */
  add(entry: unknown, whole: () => unknown): void {
    const place = this.length++;
    if (place === this.#flags.length) this.#grow();
    if (!isObject(entry)) {
      this.#ids.add(undefined);
      this.#others.set(place, entry);
      return;
    }
    this.#ids.add(entry['id']);
    const { bbox } = entry;
    this.#others.set(place, bbox === undefined || bbox === null ? whole() : entry);
  }

  /** Adds an entry in COCO's usual form. */
  addScanned({ numbers }: ScannedAnnotation): void {
    const place = this.length++;
    if (place === this.#flags.length) this.#grow();
    const at = place * WIDTH;
    for (let field = 0; field < WIDTH; field++) this.#numbers[at + field] = numbers[field] as number;
    this.#flags[place] = PLAIN | (numbers[FIELD.iscrowd] === 1 ? CROWD : 0);
    this.#ids.addNumber(numbers[FIELD.id] as number);
  }

  /** Why the ids are unusable, so that entries are numbered in their order; undefined when the ids are usable. */
  get idless(): string | undefined {
    return this.#ids.idless;
  }

  /** The id of an entry; undefined when it has none or is not an object. */
  idOf(place: number): number | undefined {
    if (this.#isPlain(place)) return this.#numbers[place * WIDTH];
    const entry = this.#others.get(place);
    return isObject(entry) ? asId(entry['id']) : undefined;
  }

  /** Whether an entry is a JSON object, whatever its fields. */
  isObject(place: number): boolean {
    return this.#isPlain(place) || isObject(this.#others.get(place));
  }

  /** The key of an entry's image, see {@link keyOf}. */
  imageKeyOf(place: number): number | string | undefined {
    if (!this.#isPlain(place)) return keyOf((this.#others.get(place) as Fields)['image_id']);
    const id = this.#numbers[place * WIDTH + FIELD.image] as number;
    // V8 looks up a small integer in a map without allocating a heap number for it.
    const small = id | 0;
    return small === id ? small : id;
  }

  /** Whether any entry has the category with this id. */
  hasCategory(id: number): boolean {
    for (let place = 0; place < this.length; place++) {
      const entry = this.#others.get(place);
      const category = this.#isPlain(place)
        ? this.#numbers[place * WIDTH + FIELD.category]
        : isObject(entry) && asId(entry['category_id']);
      if (category === id) return true;
    }
    return false;
  }

  /**
   * The object of an entry, with the finding about it if there is one.
   *
   * @param categories class indices by the category ids of the file
   */
  object(place: number, id: number, categories: ReadonlyMap<number | string, number>): AnnotatedObject {
    if (!this.#isPlain(place)) return readAnnotation(id, this.#others.get(place) as Fields, categories);
    const [numbers, at] = [this.#numbers, place * WIDTH];
    const category = categories.get(numbers[at + FIELD.category] as number);
    if (category === undefined) return unknownCategory(id, String(numbers[at + FIELD.category]));
    const iscrowd = ((this.#flags[place] as number) & CROWD) === 0 ? 0 : 1;
    const [x, y] = [numbers[at + FIELD.box] as number, numbers[at + FIELD.box + 1] as number];
    const box: Box = [x, y, x + (numbers[at + FIELD.box + 2] as number), y + (numbers[at + FIELD.box + 3] as number)];
    return new PlainObject(this, place, id, box, category, iscrowd, areaOf(numbers[at + FIELD.area]));
  }

  /** @internal The `bbox` of an entry that is stored as numbers: x, y, width and height in pixels. */
  bboxOf(place: number): readonly number[] {
    return [...this.#numbers.subarray(place * WIDTH + FIELD.box, place * WIDTH + FIELD.area)];
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

/** Collects facts about the ids as entries come, to tell whether a file has usable ids at all. */
class StatedIds {
  #count = 0;
  #absent = 0;
  #texts = 0;
  #unreadable = 0;
  #areSame = true;
  #first: number | undefined;

  addNumber(id: number): void {
    if (this.#count++ === 0) this.#first = id;
    else if (id !== this.#first) this.#areSame = false;
  }

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
    // Two equal ids are a slip (unless both are 0); more of them mean that the tool writes no ids.
    if (this.#areSame && this.#count > (this.#first === 0 ? 1 : 2))
      return `all annotations have the id ${this.#first ?? ''}`;
    return this.#texts === this.#count && this.#unreadable > 0 ? 'the ids of annotations are texts' : undefined;
  }
}

/** An object that is dropped, with the reason. */
export const dropped = (
  id: number,
  kind: NonNullable<AnnotatedObject['finding']>['kind'],
  message: string,
): AnnotatedObject => ({
  id,
  box: NO_BOX,
  category: undefined,
  describe: () => `annotation ${id}`,
  finding: { effect: 'annotation', kind, message },
});

const unknownCategory = (id: number, name: string): AnnotatedObject =>
  dropped(id, 'category-unknown', `annotation ${id}: category ${name} is not in "categories"`);

function readAnnotation(id: number, fields: Fields, categories: ReadonlyMap<number | string, number>): AnnotatedObject {
  const what = `annotation ${id}`;
  const { category_id: stated, bbox, iscrowd: crowd } = fields;
  if (stated === undefined || stated === null) return dropped(id, 'annotation-invalid', `${what} has no "category_id"`);
  const name = asId(stated) ?? (typeof stated === 'string' ? stated : JSON.stringify(stated));
  const category = categories.get(name);
  if (category === undefined) return unknownCategory(id, String(name));
  const box = bbox === undefined || bbox === null ? boxOfPolygons(fields['segmentation']) : edgesOf(bbox);
  if (box === undefined) return dropped(id, 'annotation-invalid', `${what} has no "bbox"`);
  const iscrowd = crowd === undefined || crowd === null ? 0 : asFlag(crowd);
  if (iscrowd === undefined)
    return dropped(id, 'annotation-invalid', `${what}: "iscrowd" is ${JSON.stringify(crowd)}, not 0 or 1`);
  return {
    id,
    box,
    category,
    iscrowd,
    area: areaOf(fields['area']),
    describe: () => describeBox(id, bbox),
    finding: iscrowd === 1 ? crowdOf(id) : undefined,
  };
}

/** The object of an entry in COCO's usual form. It is a class, because a file may have hundreds of thousands of such objects. */
class PlainObject implements AnnotatedObject {
  readonly #source: CocoAnnotations;
  readonly #place: number;
  readonly id: number;
  readonly box: Box;
  readonly category: number;
  readonly iscrowd: 0 | 1;
  readonly area: number | undefined;

  constructor(
    source: CocoAnnotations,
    place: number,
    id: number,
    box: Box,
    category: number,
    iscrowd: 0 | 1,
    area: number | undefined,
  ) {
    this.#source = source;
    this.#place = place;
    this.id = id;
    this.box = box;
    this.category = category;
    this.iscrowd = iscrowd;
    this.area = area;
  }

  get finding(): AnnotatedObject['finding'] {
    return this.iscrowd === 1 ? crowdOf(this.id) : undefined;
  }

  describe(): string {
    return describeBox(this.id, this.#source.bboxOf(this.#place));
  }
}

const crowdOf = (id: number): AnnotatedObject['finding'] => ({
  effect: 'note',
  kind: 'crowd',
  message: `annotation ${id} is a crowd: no training target`,
});

const areaOf = (stated: unknown): number | undefined => {
  const area = asNumber(stated);
  return area !== undefined && area >= 0 ? area : undefined;
};

function describeBox(id: number, bbox: unknown): string {
  const edges = Array.isArray(bbox) ? `[${bbox.map((edge) => JSON.stringify(edge)).join(', ')}]` : JSON.stringify(bbox);
  return `annotation ${id}: bbox ${edges}`;
}

function edgesOf(bbox: unknown): Box {
  if (!Array.isArray(bbox) || bbox.length !== 4) return NO_BOX;
  const [x = NaN, y = NaN, width = NaN, height = NaN] = bbox.map((edge) => asNumber(edge) ?? NaN);
  return [x, y, x + width, y + height];
}

/** The box around the polygons, for tools that write no box; undefined when there is no polygon. */
function boxOfPolygons(segmentation: unknown): Box | undefined {
  if (!Array.isArray(segmentation)) return undefined;
  const numbers = segmentation.flat().map((value) => asNumber(value) ?? NaN);
  return numbers.length < 6 ? undefined : boxAround(numbers);
}
