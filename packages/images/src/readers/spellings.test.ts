import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addFiles, CAT, cocoOf, type Files, layOutForTests, vocOf } from './formats/layouts.test.fixture.ts';
import { readCoco } from './read-coco.ts';
import { readVoc } from './read-voc.ts';

const make = layOutForTests();

/** Reads a COCO file with these names and returns the files found and the findings. */
async function coco(root: string, names: readonly string[], more: object = {}) {
  await writeFile(join(root, 'data.json'), JSON.stringify(cocoOf(names)));
  const { records, report } = await readCoco({ json: join(root, 'data.json'), ...more });
  return {
    files: records.map(({ file }) => file.slice(root.length + 1)),
    objects: records.map(({ annotations }) => annotations.length),
    said: report.problems.map(({ kind, message }) => `${kind}: ${message}`),
  };
}

describe('the name of an image', () => {
  it.each([
    ['with backslashes', 'images\\a b.jpg'],
    ['of a drive of Windows', 'C:\\Users\\x\\pictures\\images\\a b.jpg'],
    ['as a path of another machine', '/home/x/pictures/images/a b.jpg'],
    ['without ending', 'images/a b'],
    ['with another ending', 'images/a b.png'],
    ['in upper case', 'IMAGES/A B.JPG'],
    ['with %20', 'images/a%20b.jpg'],
    ['as a file: URL', 'file:///home/x/images/a%20b.jpg'],
    ['as an address with a query', 'https://example.org/x/a%20b.jpg?signature=1/2'],
    ['as Label Studio serves local files', '/data/local-files/?d=images/a%20b.jpg'],
    ['as Label Studio serves local files of Windows', '/data/local-files/?d=images%5Ca%20b.jpg'],
    ['with a space behind it', 'images/a b.jpg '],
    ['without its folder', 'a b.jpg'],
  ])('%s is understood: %s', async (_, name) => {
    const root = await make({ 'images/a b.jpg': '' });
    const { files, objects, said } = await coco(root, [name]);
    expect([files, objects]).toEqual([['images/a b.jpg'], [1]]);
    // A left-out folder needs no note.
    expect(said).toEqual(name === 'a b.jpg' ? [] : [`image-renamed: the annotations call it "${name}"`]);
  });

  it.each(['./images/a b.jpg', 'images//a b.jpg', 'images/../images/a b.jpg'])('%s needs no note', async (name) => {
    const root = await make({ 'images/a b.jpg': '' });
    expect(await coco(root, [name])).toEqual({ files: ['images/a b.jpg'], objects: [1], said: [] });
  });

  it('is tried as written before any other spelling', async () => {
    const names = ['100%25.jpg', '100%.jpg', 'a?b.jpg', 'a#1.jpg', 'a\\b.jpg'];
    const root = await make(Object.fromEntries(names.map((name) => [name, ''])));
    expect(await coco(root, names)).toMatchObject({ files: names, said: [] });
  });

  it.each(['NFC', 'NFD'] as const)('with accents in %s finds the file with the other form', async (form) => {
    const other = form === 'NFC' ? 'NFD' : 'NFC';
    const root = await make({ [`é ü.jpg`.normalize(form)]: '' });
    const { files, objects } = await coco(root, ['é ü.jpg'.normalize(other)]);
    expect([files, objects]).toEqual([['é ü.jpg'.normalize(form)], [1]]);
  });

  it('distinguishes two files by the end of their folders', async () => {
    const root = await make({ 'one/a.jpg': '', 'two/a.jpg': '' });
    expect((await coco(root, ['/old/two/a.jpg', '/old/one/a.jpg'])).files).toEqual(['two/a.jpg', 'one/a.jpg']);
  });

  it('that matches several files is refused', async () => {
    const root = await make({ 'one/a.jpg': '', 'two/a.jpg': '' });
    const { files, said } = await coco(root, ['/old/a.jpg']);
    expect(files).toEqual([]);
    expect(said[0]).toBe(
      `image-ambiguous: it is not clear which file is meant: ${join(root, 'one/a.jpg')}, ${join(root, 'two/a.jpg')} have this name`,
    );
    expect(said[1]).toBe('annotation-orphaned: 1 object went with the image');
  });

  it('that matches nothing is reported as missing at the expected path', async () => {
    const root = await make({});
    await writeFile(join(root, 'data.json'), JSON.stringify(cocoOf(['sub\\none.jpg'])));
    const { report } = await readCoco({ json: join(root, 'data.json') });
    expect(report.problems[0]).toMatchObject({ kind: 'image-missing', file: join(root, 'sub/none.jpg') });
  });
});

describe('an image outside of the folder of the data', () => {
  it.each(['../elsewhere/x.jpg', 'ABSOLUTE', 'URL', 'link.jpg', 'linked/x.jpg'])(
    'as %s is refused, unless it is allowed by name',
    async (name) => {
      const parent = await make({ 'elsewhere/x.jpg': '', 'data/in.jpg': '' });
      const [root, other] = [join(parent, 'data'), join(parent, 'elsewhere')];
      await symlink(join(other, 'x.jpg'), join(root, 'link.jpg'));
      await symlink(other, join(root, 'linked'));
      const path = join(other, 'x.jpg');
      const given = name === 'ABSOLUTE' ? path : name === 'URL' ? pathToFileURL(path).href : name;
      const { files, said } = await coco(root, [given, 'in.jpg']);
      expect(files).toEqual(['in.jpg']);
      expect(said[0]).toBe(
        `image-outside: it is outside of the folder of the data, at ${path}; to allow it, name that folder in data.outside (option \`outside\` of the readers)`,
      );
      const allowed = await coco(root, [given, 'in.jpg'], { outside: [other] });
      expect(allowed.files).toHaveLength(2);
      expect(allowed.said.filter((each) => !each.startsWith('image-renamed'))).toEqual([]);
    },
  );

  it('is not used when the folder has a file of that name and the path is from another machine', async () => {
    const parent = await make({ 'old/a.jpg': '', 'new/a.jpg': '' });
    expect((await coco(join(parent, 'new'), [join(parent, 'old/a.jpg')])).files).toEqual(['a.jpg']);
  });
});

describe('COCO', () => {
  const read = async (file: object | string) => {
    const root = await make({ 'a.jpg': '', 'b.jpg': '', 'data.json': file });
    const { records, metadata, report } = await readCoco({ json: join(root, 'data.json') });
    return {
      boxes: records.map(({ annotations }) => annotations.map(({ box }) => box)),
      crowds: records.map(({ annotations }) => annotations.map(({ iscrowd }) => iscrowd)),
      ids: records.flatMap(({ annotations }) => annotations.map(({ id }) => id)),
      classes: metadata.classes,
      said: report.problems.map(({ kind, message }) => `${kind}: ${message}`),
    };
  };
  const image = { id: 1, file_name: 'a.jpg', width: 64, height: 48 };
  const object = { id: 1, image_id: 1, category_id: 1, bbox: [8, 12, 16, 24], iscrowd: 0 };
  const categories = [{ id: 1, name: 'cat' }];
  const withObject = (change: object): object => ({
    images: [image],
    annotations: [{ ...object, ...change }],
    categories,
  });

  it.each([
    [
      'of images and categories as texts',
      { images: [{ ...image, id: '1' }], annotations: [object], categories: [{ id: '1', name: 'cat' }] },
    ],
    ['that annotations have as texts', withObject({ id: '1', image_id: '1', category_id: '1' })],
  ])('takes ids %s', async (_, file) => {
    expect(await read(file)).toMatchObject({ boxes: [[[...CAT]]], said: [] });
  });

  it.each<readonly [string, readonly unknown[], string]>([
    ['none', [undefined, undefined], 'no annotation has an "id"'],
    ['zero', [0, 0], 'all annotations have the id 0'],
    ['a text', ['x1', 'x2'], 'the ids of annotations are texts'],
  ])('renumbers annotations whose ids are %s', async (_, ids, what) => {
    const annotations = ids.map((id) => ({ ...object, id }));
    const { ids: given, said } = await read({ images: [image], annotations, categories });
    expect(given).toEqual([1, 2]);
    expect(said).toEqual([`ids-renumbered: ${what}: they are numbered in their order`]);
  });

  it.each([
    [0, 'all 2 images have the id 0'],
    [undefined, 'no image has an "id"'],
  ])('refuses images whose ids are all %p', async (id, what) => {
    const images = ['a.jpg', 'b.jpg'].map((file_name) => ({ ...image, id, file_name }));
    await expect(read({ images, annotations: [object], categories })).rejects.toThrow(
      new RegExp(`HKL_DATASET_UNREADABLE.*${what}, so that nothing says which object is in which image`),
    );
  });

  it.each([
    [true, 1],
    [false, 0],
    ['1', 1],
    ['0', 0],
    ['true', 1],
    ['False', 0],
    [null, 0],
    [undefined, 0],
  ] as const)('takes iscrowd %p as %d', async (iscrowd, expected) => {
    expect((await read(withObject({ iscrowd }))).crowds).toEqual([[expected]]);
  });

  it.each([
    [{ category_id: undefined }, 'annotation-invalid: annotation 1 has no "category_id"'],
    [{ image_id: undefined }, 'annotation-invalid: annotation 1 has no "image_id"'],
    [{ bbox: undefined }, 'annotation-invalid: annotation 1 has no "bbox"'],
    [{ bbox: null, category_id: null }, 'annotation-invalid: annotation 1 has no "category_id"'],
    [{ iscrowd: 'some' }, 'annotation-invalid: annotation 1: "iscrowd" is "some", not 0 or 1'],
    [{ bbox: [8, 12, '16', 24] }, 'box-invalid: annotation 1: bbox [8, 12, "16", 24] is not four numbers'],
  ])('drops and reports an annotation with %j', async (change, message) => {
    expect(await read(withObject(change))).toMatchObject({ boxes: [[]], said: [message] });
  });

  it('refuses boxes in fractions, and drops a single one among boxes in pixels', async () => {
    const fraction = { ...object, id: 2, bbox: [0.125, 0.25, 0.25, 0.5] };
    await expect(read(withObject(fraction))).rejects.toThrow(
      /HKL_DATASET_UNREADABLE.*all its boxes are fractions of the image from 0 to 1, such as annotation 2: bbox \[0\.125, 0\.25, 0\.25, 0\.5\], and its format has them in pixels.*Multiply x and width/,
    );
    expect((await read({ images: [image], annotations: [object, fraction], categories })).said).toEqual([
      'box-normalised: annotation 2: bbox [0.125, 0.25, 0.25, 0.5] is a fraction of the image, and the others are in pixels',
    ]);
  });

  it('refuses two categories of the same name, but leaves out a parent category without objects', async () => {
    const two = [...categories, { id: 7, name: 'cat', supercategory: 'pets' }];
    await expect(read({ ...withObject({}), categories: two })).rejects.toThrow(
      /HKL_DATASET_UNREADABLE.*categories 1 and 7 are both called "cat".*Give one of them another name/,
    );
    const heading = [
      { id: 0, name: 'cat', supercategory: 'none' },
      { id: 1, name: 'cat', supercategory: 'cat' },
    ];
    const { classes, said } = await read({ ...withObject({}), categories: heading });
    expect(classes).toEqual(['cat']);
    expect(said).toEqual([
      'category-left-out: category 0, "cat", is the supercategory of the others and no object has it: it is left out',
    ]);
    // With an object, it is an ordinary class.
    const used = [
      { id: 0, name: 'pet', supercategory: 'none' },
      { id: 1, name: 'cat', supercategory: 'pet' },
    ];
    expect((await read({ ...withObject({ category_id: 0 }), categories: used })).classes).toEqual(['pet', 'cat']);
  });

  const text = JSON.stringify(withObject({}));
  it.each<readonly [string, string | Uint8Array]>([
    ['a byte-order mark', `\uFEFF${text}`],
    ['UTF-16', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    [
      'NaN where nothing depends on it',
      text.replace('"iscrowd":0', '"iscrowd":0,"area":NaN,"score":-Infinity,"note":"NaN \\"x"'),
    ],
  ])('reads JSON with %s', async (_, file) => {
    expect(await read(file)).toMatchObject({ boxes: [[[...CAT]]], said: [] });
  });

  it('reports a box with NaN', async () => {
    expect((await read(text.replace('[8,', '[NaN,'))).said).toEqual([
      'box-invalid: annotation 1: bbox ["NaN", 12, 16, 24] is not four numbers',
    ]);
  });
});

describe('Pascal VOC', () => {
  const read = async (files: Files) => {
    const root = await make(files);
    await mkdir(join(root, 'JPEGImages'), { recursive: true });
    const { records, metadata, report } = await readVoc({ root });
    return {
      files: records.map(({ file }) => file.slice(root.length + 1)),
      boxes: records.map(({ annotations }) => annotations.map(({ box }) => box)),
      classes: metadata.classes,
      said: report.problems.map(({ kind, message }) => `${kind}: ${message}`),
    };
  };
  const latin = (xml: string, encoding: string): string => `<?xml version="1.0" encoding="${encoding}"?>${xml}`;
  const bird = vocOf('ä.jpg').replace('cat', 'Käuzchen');

  it.each<readonly [string, string | Uint8Array]>([
    ['UTF-8 with a byte-order mark', `\uFEFF${latin(bird, 'utf-8')}`],
    ['UTF-16 with a byte-order mark', Buffer.from(`\uFEFF${latin(bird, 'utf-16')}`, 'utf16le')],
    ['UTF-16 without one', Buffer.from(latin(bird, 'UTF-16'), 'utf16le')],
    ['big-endian UTF-16', Buffer.from(`\uFEFF${latin(bird, 'UTF-16')}`, 'utf16le').swap16()],
    ['Latin-1 by its declaration', Buffer.from(latin(bird, 'ISO-8859-1'), 'latin1')],
    ['Latin-1 without one', Buffer.from(bird, 'latin1')],
    ['UTF-8 that is said to be UTF-16', latin(bird, 'utf-16')],
  ])('reads XML in %s', async (_, xml) => {
    expect(await read({ 'Annotations/a.xml': xml, 'JPEGImages/ä.jpg': '' })).toEqual({
      files: ['JPEGImages/ä.jpg'],
      boxes: [[[...CAT]]],
      classes: ['Käuzchen'],
      said: [],
    });
  });

  it('reports an unknown encoding', async () => {
    const { said } = await read({ 'Annotations/a.xml': latin(bird, 'EBCDIC-X') });
    expect(said[0]).toMatch(/annotation-unreadable: it cannot be read: .*EBCDIC-X/i);
  });

  it.each([
    ['a stale path', vocOf('C:\\data\\JPEGImages\\a.jpg')],
    ['a name that is no file, by its own name', vocOf('IMG_0001.jpg')],
    ['no name, by its own', vocOf(undefined)],
    ['no name, by a stale path', vocOf(undefined, '<path>/old/JPEGImages/a.jpg</path>')],
    ['a name without ending', vocOf('a')],
  ])('finds the image of a file with %s', async (_, xml) => {
    expect((await read({ 'Annotations/a.xml': xml, 'JPEGImages/a.jpg': '' })).files).toEqual(['JPEGImages/a.jpg']);
  });

  it('refuses boxes in fractions', async () => {
    const xml = vocOf('a.jpg').replaceAll(/>(9|13|24|36)</g, (_, edge: string) => `>${Number(edge) / 64}<`);
    await expect(read({ 'Annotations/a.xml': xml, 'JPEGImages/a.jpg': '' })).rejects.toThrow(
      /HKL_DATASET_UNREADABLE.*all its boxes are fractions of the image from 0 to 1, such as object 1: box \[0\.1/,
    );
  });

  it('reads names in lists with extensions, folders and spaces', async () => {
    const root = await make({
      'Annotations/a 1.xml': vocOf('a 1.jpg'),
      'Annotations/b.xml': vocOf('b.jpg'),
      'JPEGImages/a 1.jpg': '',
      'JPEGImages/b.jpg': '',
      'ImageSets/Main/train.txt': '\uFEFFa 1\r\nJPEGImages\\b.jpg  1\r\n',
    });
    await addFiles(root, {});
    const { records } = await readVoc({ root, split: 'train', strict: true });
    expect(records.map(({ imageId }) => imageId)).toEqual(['a 1', 'b']);
  });
});
