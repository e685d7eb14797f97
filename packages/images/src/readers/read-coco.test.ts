import { copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { formatReport, type ProblemKind } from './dataset-report.ts';
import { readCoco } from './read-coco.ts';
import { writeCoco } from './write-coco.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const noise = (channels: 1 | 3 | 4) =>
  sharp(Buffer.from(Array.from({ length: 64 * 48 * channels }, (_, i) => (i * 7919) % 251)), {
    raw: { width: 64, height: 48, channels },
  });
const cut = (path: string, bytes: Buffer) => writeFile(path, bytes.subarray(0, bytes.length >> 1));
const at = (name: string) => join(folder, name);
const good = { id: 1, file_name: 'good.jpg', width: 64, height: 48 };
const box = { id: 1, image_id: 1, category_id: 5, bbox: [10, 10, 20, 8], iscrowd: 0, area: 160 };
const categories = [
  { id: 9, name: 'dog' },
  { id: 5, name: 'cat' },
];

const show = (bbox: unknown) => `annotation 2: bbox ${JSON.stringify(bbox).replaceAll(/,(?=[-\d])/g, ', ')}`;

async function coco(parts: { images?: unknown[]; annotations?: unknown[]; categories?: unknown[] }): Promise<string> {
  await noise(3).jpeg().toFile(at('good.jpg'));
  await writeFile(at('data.json'), JSON.stringify({ images: [good], annotations: [box], categories, ...parts }));
  return at('data.json');
}

/** Reads a file with an additional image, made by `make`, and returns the findings about it. */
async function withImage(name: string, make: (path: string) => Promise<unknown>, size = {}) {
  const json = await coco({
    images: [good, { id: 2, file_name: name, width: 64, height: 48, ...size }],
    annotations: [box, { ...box, id: 2, image_id: 2 }],
  });
  await make(at(name));
  const { records, report } = await readCoco({ json });
  expect(records[0]).toMatchObject({ imageId: 1 });
  expect(report.problems.every(({ file }) => file === at(name))).toBe(true);
  const record = records.find(({ imageId }) => imageId === 2);
  const strict = readCoco({ json, strict: true }).then(
    () => 'accepted',
    (error: unknown) => String(error),
  );
  return { record, kinds: report.problems.map(({ kind }) => kind), strict: await strict, report };
}

describe('readCoco', () => {
  it('reads boxes as edges and categories from 0 up, in the order of their ids', async () => {
    const { records, metadata, report } = await readCoco({ json: await coco({}), strict: true });
    expect(records).toEqual([
      {
        file: at('good.jpg'),
        width: 64,
        height: 48,
        imageId: 1,
        annotations: [{ id: 1, box: [10, 10, 30, 18], category: 0, iscrowd: 0, area: 160 }],
      },
    ]);
    expect(metadata).toMatchObject({ classes: ['cat', 'dog'], categoryIds: [5, 9], source: at('data.json') });
    expect(formatReport(report)).toMatch(/1 of 1 image, 1 of 1 object kept\n {2}nothing to report/);
  });

  it.each<[string, ProblemKind, (path: string) => Promise<unknown>, object]>([
    ['missing.jpg', 'image-missing', () => Promise.resolve(), {}],
    ['text.jpg', 'image-unreadable', (path) => writeFile(path, 'this is no picture'), {}],
    ['empty.jpg', 'image-unreadable', (path) => writeFile(path, ''), {}],
    ['folder.jpg', 'image-unreadable', (path) => mkdir(path), {}],
    ['other-size.jpg', 'image-size', (path) => noise(3).jpeg().toFile(path), { width: 65 }],
    ['cut.jpg', 'image-truncated', async (path) => cut(path, await noise(3).jpeg().toBuffer()), {}],
    ['cut.png', 'image-truncated', async (path) => cut(path, await noise(3).png().toBuffer()), {}],
  ])('drops %s as %s, and reports it when strict', async (name, kind, make, size) => {
    const { record, kinds, strict } = await withImage(name, make, size);
    expect(record).toBeUndefined();
    expect(kinds).toEqual([kind, 'annotation-orphaned']);
    expect(strict).toContain('HKL_DATASET_INVALID');
    expect(strict).not.toMatch(/\n\. /);
    expect(strict).toContain(at(name));
  });

  it.each<[string, ProblemKind, (path: string) => Promise<unknown>]>([
    ['png.jpg', 'image-misnamed', (path) => noise(3).png().toFile(path)],
    ['grey.jpg', 'image-grey', (path) => noise(1).toColourspace('b-w').jpeg().toFile(path)],
    ['rgba.png', 'image-alpha', (path) => noise(4).png().toFile(path)],
    ['half-turn.jpg', 'exif-rotation', (path) => noise(3).jpeg().withMetadata({ orientation: 3 }).toFile(path)],
  ])('keeps %s and notes %s, also when strict', async (name, kind, make) => {
    const { record, kinds, strict } = await withImage(name, make);
    expect(record).toMatchObject({ width: 64, height: 48 });
    expect(kinds).toEqual([kind]);
    expect(strict).toBe('accepted');
  });

  it('detects whether boxes were drawn on the rotated or on the stored image', async () => {
    const make = (path: string) => noise(3).jpeg().withMetadata({ orientation: 6 }).toFile(path);
    const seen = await withImage('seen.jpg', make, { width: 48, height: 64 });
    expect(seen.record).toMatchObject({ width: 48, height: 64 });
    expect(seen.record).not.toHaveProperty('orient');
    const stored = await withImage('stored.jpg', make);
    expect(stored.record).toMatchObject({ width: 64, height: 48, orient: false });
    const unstated = await withImage('unstated.jpg', make, { width: null, height: null });
    expect(unstated.record).toMatchObject({ width: 48, height: 64 });
    expect(unstated.kinds).toEqual(['image-size', 'exif-rotation']);
  });

  it.each<[string, ProblemKind, object, number]>([
    ['partly outside', 'box-clipped', { bbox: [-5, 40, 20, 20] }, 1],
    ['outside', 'box-outside', { bbox: [64, 10, 5, 5] }, 0],
    ['without width', 'box-empty', { bbox: [10, 10, 0, 5] }, 0],
    ['of negative height', 'box-empty', { bbox: [10, 10, 5, -5] }, 0],
    ['of three numbers', 'box-invalid', { bbox: [10, 10, 5] }, 0],
    ['of five numbers', 'box-invalid', { bbox: [10, 10, 5, 5, 5] }, 0],
    ['of text', 'box-invalid', { bbox: 'ten' }, 0],
    ['of unknown category', 'category-unknown', { category_id: 6 }, 0],
    ['of no image', 'annotation-orphaned', { image_id: 77 }, 0],
    ['with a used id', 'duplicate-annotation-id', { id: 1 }, 0],
    ['without id', 'annotation-invalid', { id: null }, 0],
    ['with iscrowd 2', 'annotation-invalid', { iscrowd: 2 }, 0],
    ['crowd', 'crowd', { iscrowd: 1 }, 1],
  ])('reports an object %s as %s', async (_, kind, change, kept) => {
    const json = await coco({ annotations: [box, { ...box, id: 2, ...change }] });
    const { records, report } = await readCoco({ json });
    expect(report.problems.map((problem) => problem.kind)).toEqual([kind]);
    // The box as written in the file, so that it can be found there.
    if ('bbox' in change) expect(report.problems[0]?.message).toContain(show(change.bbox));
    expect(records[0]?.annotations).toHaveLength(1 + kept);
    expect(report).toMatchObject({ images: 1, keptImages: 1, annotations: 2, keptAnnotations: 1 + kept });
    const strict = readCoco({ json, strict: true });
    if (kind === 'crowd') await strict;
    else await expect(strict).rejects.toThrow(kind);
  });

  it('clips to the image, and strict reports every problem at once', async () => {
    const annotations = [
      { ...box, bbox: [-5, 40, 20, 20], area: null },
      { ...box, id: 2, category_id: 1 },
    ];
    const json = await coco({ annotations });
    const { records } = await readCoco({ json });
    expect(records[0]?.annotations).toMatchObject([{ box: [0, 40, 15, 48], area: 120 }]);
    await expect(readCoco({ json, strict: true })).rejects.toThrow(/2 problems:[^]*box-clipped[^]*category-unknown/);
  });

  it('keeps the first of two images with the same id', async () => {
    const json = await coco({ images: [good, { ...good, file_name: 'again.jpg' }, { id: 3 }] });
    const { records, report } = await readCoco({ json });
    expect(records).toHaveLength(1);
    expect(report.problems.map(({ kind }) => kind)).toEqual(['duplicate-image-id', 'image-invalid']);
  });

  it('refuses a file that is not a COCO data set, and names it', async () => {
    await expect(readCoco({ json: at('no.json') })).rejects.toThrow(/HKL_DATASET_UNREADABLE.*no\.json.*ENOENT/);
    await writeFile(at('cut.json'), '{"images": [');
    await expect(readCoco({ json: at('cut.json') })).rejects.toThrow(/HKL_DATASET_UNREADABLE.*cut\.json/);
    await writeFile(at('list.json'), '[]');
    await expect(readCoco({ json: at('list.json') })).rejects.toThrow(/does not hold an object/);
    await writeFile(at('part.json'), '{"images": []}');
    await expect(readCoco({ json: at('part.json') })).rejects.toThrow(/no list "annotations", "categories"/);
    const twice = await coco({ categories: [categories[0], categories[0]] });
    await expect(readCoco({ json: twice })).rejects.toThrow(/two categories have the id 9/);
    const nameless = await coco({ categories: [{ id: 1 }] });
    await expect(readCoco({ json: nameless })).rejects.toThrow(/category 0 needs/);
  });

  it('checks images as far as checkImages says', async () => {
    const json = await coco({ images: [{ ...good, file_name: 'cut.jpg' }] });
    await copyFile(at('good.jpg'), at('cut.jpg'));
    await truncate(at('cut.jpg'), 1000);
    expect((await readCoco({ json })).records).toHaveLength(0);
    expect((await readCoco({ json, checkImages: 'header' })).records).toHaveLength(0);
    await rm(at('cut.jpg'));
    expect((await readCoco({ json, checkImages: 'header' })).records).toHaveLength(0);
    expect((await readCoco({ json, checkImages: 'none' })).records).toHaveLength(1);
  });
});

describe('writeCoco', () => {
  it('writes what readCoco reads back', async () => {
    const dataset = await readCoco({
      json: await coco({ annotations: [box, { ...box, id: 7, iscrowd: 1, area: 33 }] }),
    });
    await writeCoco(at('copy.json'), dataset, { images: folder });
    const again = await readCoco({ json: at('copy.json') });
    expect(again.records).toEqual(dataset.records);
    expect(again.metadata).toEqual({ ...dataset.metadata, source: at('copy.json') });
  });

  it('refuses categories that the metadata lack', async () => {
    const { records, metadata } = await readCoco({ json: await coco({ annotations: [box] }) });
    const annotations = records[0]!.annotations.map((each) => ({ ...each, category: 2 }));
    await expect(writeCoco(at('r.json'), { records: [{ ...records[0]!, annotations }], metadata })).rejects.toThrow(
      /HKL_CATEGORY_RANGE.*r\.json/,
    );
  });
});
