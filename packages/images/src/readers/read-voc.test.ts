import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { formatReport } from './dataset-report.ts';
import { readVoc } from './read-voc.ts';

let root: string;
beforeEach(async () => {
  root = temporaryFolder();
  for (const name of ['Annotations', 'JPEGImages', 'ImageSets/Main'])
    await mkdir(join(root, name), { recursive: true });
});

const object = (name: string, box: readonly (number | string)[], more = '') =>
  `<object><name>${name}</name>${more}<bndbox><xmin>${box[0]}</xmin><ymin>${box[1]}</ymin><xmax>${box[2]}</xmax>` +
  `<ymax>${box[3]}</ymax></bndbox></object>`;

async function add(name: string, objects: string, filename = `<filename>${name}.jpg</filename>`): Promise<void> {
  const size = '<size><width>40</width><height>30</height><depth>3</depth></size>';
  await writeFile(join(root, 'Annotations', `${name}.xml`), `<annotation>${filename}${size}${objects}</annotation>`);
  await sharp({ create: { width: 40, height: 30, channels: 3, background: 'red' } })
    .jpeg()
    .toFile(join(root, 'JPEGImages', `${name}.jpg`));
}

describe('readVoc', () => {
  it('reads boxes with their last pixel, difficult objects, and classes in alphabetical order', async () => {
    await add('b', object('dog', [1, 1, 40, 30]) + object('cat', [3, 4, 10, 12], '<difficult>1</difficult>'));
    await add('a', object('cat', [1, 2, 3, 4]), '');
    const { records, metadata, report } = await readVoc({ root, strict: true });
    expect(metadata).toMatchObject({ classes: ['cat', 'dog'], evaluator: 'voc' });
    expect(records.map(({ imageId, file }) => [imageId, file])).toEqual([
      ['a', join(root, 'JPEGImages', 'a.jpg')],
      ['b', join(root, 'JPEGImages', 'b.jpg')],
    ]);
    expect(records[1]?.annotations).toEqual([
      { id: 2, box: [0, 0, 40, 30], category: 1, iscrowd: 0, area: 1200 },
      { id: 3, box: [2, 3, 10, 12], category: 0, iscrowd: 0, area: 72, difficult: true },
    ]);
    expect(report).toMatchObject({ images: 2, annotations: 3, keptAnnotations: 3, problems: [] });
    // What tools that count from 0 write for an object at the edge.
    await add('c', object('cat', [0, 0, 40, 30]));
    const edges = await readVoc({ root, strict: true });
    expect(edges.records[2]?.annotations[0]?.box).toEqual([0, 0, 40, 30]);
    expect(edges.report.problems).toMatchObject([
      { effect: 'note', message: 'object 1: box [0, 0, 40, 30] counts pixels from 0, where the format counts from 1' },
    ]);
    const fromZero = await readVoc({ root, firstPixel: 0 });
    expect(fromZero.records[0]?.annotations[0]?.box).toEqual([1, 2, 3, 4]);
  });

  it('reads the names of a split, with and without a second column', async () => {
    for (const name of ['a', 'b', 'c']) await add(name, object('cat', [1, 2, 3, 4]));
    await writeFile(join(root, 'ImageSets/Main/train.txt'), 'c  1\na -1\n\n');
    const { records } = await readVoc({ root, split: 'train' });
    expect(records.map(({ imageId }) => imageId)).toEqual(['c', 'a']);
    await expect(readVoc({ root, split: 'tain' })).rejects.toThrow(/HKL_DATASET_UNREADABLE.*tain\.txt/);
  });

  it('reports what it drops, by file, and refuses it when strict', async () => {
    const objects = [
      object('cat', [5, 5, 5, 9]),
      object('cat', [30, 5, 50, 9]),
      object('bird', [1, 1, 3, 3]),
      object('cat', ['x', 1, 3, 3]),
    ];
    await add('a', objects.join(''));
    await add('broken', '<object>');
    await add('gone', object('cat', [1, 1, 3, 3]));
    await add('cut', '');
    await writeFile(join(root, 'Annotations', 'cut.xml'), '<annotation><size>');
    await rm(join(root, 'JPEGImages', 'gone.jpg'));
    await writeFile(join(root, 'Annotations', 'other.xml'), '<svg></svg>');
    const { records, report } = await readVoc({ root, classes: ['cat'] });
    expect(records.map(({ imageId, annotations }) => [imageId, annotations.length])).toEqual([['a', 1]]);
    expect(report.problems.map(({ kind, file }) => `${file.slice(root.length + 1)} ${kind}`)).toEqual([
      'Annotations/a.xml box-empty',
      'Annotations/a.xml box-clipped',
      'Annotations/a.xml category-unknown',
      'Annotations/a.xml box-invalid',
      'Annotations/broken.xml annotation-unreadable',
      'Annotations/cut.xml annotation-unreadable',
      'JPEGImages/gone.jpg image-missing',
      'Annotations/gone.xml annotation-orphaned',
      'Annotations/other.xml annotation-unreadable',
    ]);
    await expect(readVoc({ root, strict: true, classes: ['cat'] })).rejects.toThrow(/9 problems[^]*broken\.xml/);
    const said = formatReport(report);
    expect(said).toContain('object 1: box [5, 5, 5, 9] has no area');
    expect(said).toContain('object 2: box [30, 5, 50, 9] is clipped to 40x30');
    expect(said).toContain('cut.xml: it cannot be read: it ends before these tags are closed: annotation, size');
    expect(said).toContain('gone.xml: 1 object went with the image');
  });

  it('reads an image once when a split names it twice, and reports one without annotations', async () => {
    await add('a', object('cat', [1, 2, 3, 4]));
    await writeFile(join(root, 'ImageSets/Main/train.txt'), 'a\nb\na\n');
    const { records, report } = await readVoc({ root, split: 'train' });
    expect(records.map(({ imageId }) => imageId)).toEqual(['a']);
    expect(report).toMatchObject({ images: 3, keptImages: 1 });
    expect(report.problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      'duplicate-image-id: it lists "a" again; it is read once',
      'annotation-unreadable: there is no such file',
    ]);
    await expect(readVoc({ root, split: 'train', strict: true })).rejects.toThrow(/train\.txt: it lists "a" again/);
  });
});
