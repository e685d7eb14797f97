import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCocoLists } from './coco-file.ts';
import { readJsonLists } from './json-lists.ts';
import { readCoco } from './read-coco.ts';

const folder = temporaryFolder();

const write = async (content: string | Uint8Array): Promise<string> => {
  const file = join(folder, 'file.json');
  await writeFile(file, content);
  return file;
};

/** The entries of "a", read in blocks so small that values are split between blocks. */
async function entriesOf(content: string | Uint8Array, blockBytes = 16, batchBytes = 40) {
  let entries: unknown[] = [];
  const wholes: unknown[] = [];
  const reader = {
    begin: () => (entries = []),
    entry: (entry: unknown, whole: () => unknown) => {
      entries.push(entry);
      wholes.push(whole());
    },
    without: 'long',
  };
  const top = await readJsonLists(await write(content), { a: reader }, { blockBytes, batchBytes });
  return { entries, wholes, top };
}

const TRICKY = [
  { id: 1, text: 'a "quoted" \\ and ]}{[ with \u00e4\u{1f600}', nested: { images: [1, [2, { long: 3 }]] } },
  { long: [[1, 2.5e3, -3], { deep: ['x]"', '\\'] }], id: 2 },
  { id: 3, long: 'text with "long": [ in it', other: null },
  [[], {}, [1]],
  'text',
  -1.5e-3,
  true,
  {},
];
const withoutLong = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null && 'long' in entry ? { ...entry, long: null } : entry;

describe('readJsonLists', () => {
  it.each([0, 2])('reads what JSON.parse reads, wherever blocks end (indented by %i)', async (indent) => {
    const text = JSON.stringify({ info: { a: [9], images: [8] }, a: TRICKY, empty: [], last: 'x' }, undefined, indent);
    for (const block of [16, 20, 36, 64, 4096]) {
      const { entries, wholes, top } = await entriesOf(text, block);
      expect(entries).toEqual(TRICKY.map(withoutLong));
      expect(wholes).toEqual(TRICKY);
      expect(top).toEqual(new Map([['info', 'other'], ['a', 'list'], ['empty', 'list'], ['last', 'other']])); // prettier-ignore
    }
  });

  it.each<[string, (text: string) => Uint8Array]>([
    ['UTF-8 with a byte-order mark', (text) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16, big end first', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['Windows-1252', (text) => Buffer.from(text, 'latin1')],
  ])('reads %s', async (_, encode) => {
    const { entries } = await entriesOf(encode('{"a": [{"name": "Stra\u00dfe"}, {"name": "caf\u00e9"}]}'));
    expect(entries).toEqual([{ name: 'Stra\u00dfe' }, { name: 'caf\u00e9' }]);
  });

  it('reads NaN and Infinity as strings, and too large numbers as JSON.parse does', async () => {
    const { entries } = await entriesOf('{"a": [{"x": NaN, "y": "NaN"}, {"x": -Infinity}, {"x": 1e999}, 1]}');
    expect(entries).toEqual([{ x: 'NaN', y: 'NaN' }, { x: '-Infinity' }, { x: Infinity }, 1]);
  });

  it('uses the last of two lists with the same key, and reads a key with escapes', async () => {
    expect((await entriesOf('{"a": [1, 2], "b": [3], "\\u0061": [4]}')).entries).toEqual([4]);
  });

  it.each([
    ['{"a": [1, 2', /it ends within entry 2 of "a"|it ends where "," or "\]" after entry 1/],
    ['{"a": [{"b": 1}, {"b": "x', /it ends within entry 1 of "a"/],
    ['{"a": [{"b": 1}, {"b": x}]}', /entry 1 of "a" is not JSON/],
    ['{"a": [{"b": 1} {"b": 2}]}', /at byte \d+ it has "\{.*" where "," or "\]" after entry 0 of "a" should be/],
    ['{"a": [1, 2,]}', /entry 2 of "a" is not JSON/],
    ['{"a": [1], }', /where a key should be/],
    ['{"a": [1]} x', /where the end of the file should be/],
    ['{"a": [1]', /it ends where/],
    ['{"a" [1]}', /":" after "a" should be/],
    ['', /it is empty/],
    ['hello', /JSON/],
  ])('refuses %j and names the position', async (text, message) => {
    await expect(entriesOf(text)).rejects.toThrow(message);
    await expect(entriesOf(text, 4096, 4096)).rejects.toThrow(message);
  });

  it.each(['[1]', '"x"', '12', 'null'])('says that %s is not an object', async (text) => {
    expect((await entriesOf(text)).top).toBe('not an object');
  });
});

describe('annotations of COCO', () => {
  const usual = {
    segmentation: [[1.5, 2, 3, 4, 5, 6]],
    area: 702.1057499999998,
    iscrowd: 0,
    image_id: 4,
    bbox: [0, 0.1, 12345.678901234567, 5e-7],
    category_id: 2,
    id: 1,
  };
  const objects = async (list: readonly unknown[] | string) => {
    const text = typeof list === 'string' ? list : JSON.stringify(list, undefined, 1);
    const file = await write(`{"images": [], "annotations": ${text}, "categories": []}`);
    const { annotations } = await readCocoLists(file, { blockBytes: 32 });
    const found = [];
    for (let place = 0; place < annotations.length; place++) {
      const id = annotations.idOf(place);
      const { describe: _describe, ...object } = annotations.object(place, id ?? -1, new Map([[2, 0]]));
      found.push({ ...object, image: annotations.imageKeyOf(place), text: annotations.object(place, id ?? -1, new Map([[2, 0]])).describe() }); // prettier-ignore
    }
    return found;
  };

  it('are the same whether scanned as numbers or parsed as JSON', async () => {
    const numbers = [
      usual,
      { ...usual, id: 2, iscrowd: 1, segmentation: { counts: [1, 2], size: [3, 4] } },
      { ...usual, id: 3, bbox: [-0.5, 1e-7, 123456789.12345679, 0.30000000000000004], area: 0 },
    ];
    const plain = await objects(numbers);
    // A key that is not COCO's.
    const general = await objects(numbers.map((entry) => ({ ...entry, score: 1 })));
    expect(plain).toEqual(general);
    expect(plain.map(({ id, area, iscrowd, image }) => ({ id, area, iscrowd, image }))).toEqual([
      { id: 1, area: 702.1057499999998, iscrowd: 0, image: 4 },
      { id: 2, area: 702.1057499999998, iscrowd: 1, image: 4 },
      { id: 3, area: 0, iscrowd: 0, image: 4 },
    ]);
    expect(plain[2]?.box).toEqual([-0.5, 1e-7, -0.5 + 123456789.12345679, 1e-7 + 0.30000000000000004]);
    expect(plain[2]?.text).toBe('annotation 3: bbox [-0.5, 1e-7, 123456789.12345679, 0.30000000000000004]');
  });

  it('have numbers exact to the last bit, and refuse numbers that JSON forbids', async () => {
    const values = ['0.1', '123456789012345678', '0.1234567890123456789', '9007199254740993', '1E3', '-0', '5e-324'];
    for (const value of values) {
      const [object] = await objects(`[{"id": 1, "image_id": 1, "category_id": 2, "bbox": [${value}, 0, 0, 0]}]`);
      expect(object?.box[0]).toBe(JSON.parse(value));
    }
    for (const value of ['01', '1.', '.5', '+1', '-', '0x1'])
      await expect(objects(`[{"id": 1, "bbox": [${value}, 0, 0, 0]}]`)).rejects.toThrow(/entry 0 of "annotations"/);
  });

  it('keep their order when every second one has an unusual form', async () => {
    const list = Array.from({ length: 40 }, (_, place) => ({ ...usual, id: place % 2 === 0 ? place : `${place}` }));
    expect((await objects(list)).map(({ id }) => id)).toEqual(list.map((_, place) => place));
  });

  it('without a box get that of their segmentation, which is parsed only then', async () => {
    const { bbox: _bbox, ...rest } = usual;
    expect((await objects([rest]))[0]?.box).toEqual([1.5, 2, 5, 6]);
  });
});

describe('records', () => {
  it('of a reader can be copied like any others, and refuse to be modified', async () => {
    const file = await write(
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.jpg', width: 10, height: 10 }],
        annotations: [{ id: 7, image_id: 1, category_id: 3, bbox: [1, 2, 3, 4], area: 5, iscrowd: 0 }],
        categories: [{ id: 3, name: 'cat' }],
      }),
    );
    const [record] = (await readCoco({ json: file, checkImages: 'none' })).records;
    const annotations = [{ id: 7, box: [1, 2, 4, 6], category: 0, iscrowd: 0, area: 5 }];
    const plain = { file: join(folder, 'a.jpg'), width: 10, height: 10, imageId: 1, annotations };
    expect({ ...record }).toStrictEqual(plain);
    expect(structuredClone(record)).toEqual(plain);
    expect(JSON.parse(JSON.stringify(record))).toEqual(plain);
    expect(() => (record?.annotations as unknown[]).push(annotations[0])).toThrow(TypeError);
    expect(() => Object.assign(record as object, { annotations: [] })).toThrow(TypeError);
  });
});
