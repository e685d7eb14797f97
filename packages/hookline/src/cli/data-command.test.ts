import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFormats } from '@hookline/images';
import { drawSquares, drawSquaresAs } from '@hookline/testing';
import sharp from 'sharp';
import { runCli } from './run-cli.ts';

let folder: string;
let yolo: string;
beforeAll(async () => {
  folder = temporaryFolder();
  await drawSquares(join(folder, 'squares'));
  yolo = join(folder, 'yolo');
  await drawSquaresAs('yolo', yolo);
  await writeFile(join(yolo, 'labels/train/squares-03.txt'), '');
  await writeFile(join(yolo, 'labels/train/squares-04.txt'), '7 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.5 0.5\n');
});

/** Runs the command and returns its output and exit status. */
async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: [] as string[], err: [] as string[] };
  const [log, error] = [console.log, console.error];
  console.log = (text: string) => void written.out.push(text);
  console.error = (text: string) => void written.err.push(text);
  try {
    const status = await runCli(['data', ...argv]);
    return { status, out: written.out.join('\n'), err: written.err.join('\n') };
  } finally {
    [console.log, console.error] = [log, error];
  }
}

it('says what a folder is, counts, and names what is wrong', async () => {
  const { status, out } = await run(yolo);
  expect(status).toBe(0);
  expect(out).toBe(`${yolo}: YOLO (data.yaml), 2 splits: train 12 images, val 4 images

                   train  val
images                12    4
  without objects      1    0
  left out             0    0
objects               21    8
  dark                11    4
  light               10    4
  left out             1    0

${yolo}/images/train: 12 of 12 images, 21 of 22 objects kept
  category-unknown (object dropped): 1
    ${yolo}/labels/train/squares-04.txt: line 1: class 7 is not among the 2 names
with an input of 12 pixels on its longer side, 95% of the objects are larger than 2 pixels and are not left out of training; with 46 pixels they are 8 pixels large
the test data "val" have 8 objects in 4 images: with so few, metrics may be off by ten points or more`);
});

it('draws pictures with boxes and names', async () => {
  const path = join(folder, 'drawn', 'pictures.png');
  const { status, out } = await run(yolo, '--pictures', path);
  expect(status).toBe(0);
  expect(out).toContain(`pictures:   ${path}`);
  // Four in a row, three rows, 480 x 384 each as the pictures are 5:4, six pixels between.
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4 * 486 + 6, 3 * 390 + 6]);
  const colors = new Set<string>();
  for (let at = 0; at < data.length; at += 3) colors.add(data.subarray(at, at + 3).join());
  // Background, grey, dark and light are only four colors; blurred edges add greys.
  expect([...colors].filter((color) => new Set(color.split(',')).size > 1).length).toBeGreaterThan(2);
});

it('writes COCO with the images, which is read back as it is', async () => {
  const target = join(folder, 'coco');
  const { status, out } = await run(yolo, '--to', 'coco', target);
  expect([status, out.match(/^coco: .*/gm)]).toEqual([
    0,
    ['train', 'val'].map((name) => `coco:       ${join(target, 'annotations', `instances_${name}.json`)}`),
  ]);
  expect((await readdir(target)).sort()).toEqual(['annotations', 'train', 'val']);
  const [before, after] = await Promise.all(
    [yolo, target].map(async (root) => {
      const { splits } = (await findFormats(root)).only();
      const sets = await Promise.all(splits.map(async (split) => split.read({})));
      return sets.map(({ records, metadata }) => ({
        classes: metadata.classes,
        boxes: records.map(({ annotations }) =>
          annotations.map(({ box, category }) => [category, ...box.map(Math.fround)]),
        ),
      }));
    }),
  );
  expect(after).toEqual(before);
  const image = await readFile(join(target, 'train', 'squares-00.png'));
  expect(image.equals(await readFile(join(yolo, 'images/train/squares-00.png')))).toBe(true);
  const again = await run(yolo, '--to', 'coco', target);
  expect([again.status, again.err]).toEqual([1, expect.stringMatching(/HKL_DATA_TARGET.*it is not empty/)]);
});

it('prints one line of JSON', async () => {
  const { out } = await run(yolo, '--json');
  expect(JSON.parse(out)).toMatchObject({
    folder: yolo,
    format: 'yolo',
    title: 'YOLO (data.yaml)',
    splits: [
      {
        name: 'train',
        images: 12,
        withoutObjects: 1,
        objects: 21,
        classes: { dark: 11, light: 10 },
        droppedObjects: 1,
      },
      { name: 'val', images: 4, problems: [] },
    ],
  });
  expect(out).not.toContain('\n');
});

it('tells which images are in two splits, and which classes are rare or absent', async () => {
  const root = join(folder, 'shared');
  await cp(yolo, root, { recursive: true });
  await cp(join(root, 'images/train/squares-01.png'), join(root, 'images/val/copy.png'));
  await cp(join(root, 'labels/train/squares-01.txt'), join(root, 'labels/val/copy.txt'));
  await writeFile(
    join(root, 'val.txt'),
    'images/val/squares-12.png\nimages/train/squares-00.png\nimages/val/copy.png\n',
  );
  await writeFile(
    join(root, 'train.txt'),
    Array.from({ length: 3 }, (_, n) => `images/train/squares-0${n}.png\n`).join(''),
  );
  await writeFile(join(root, 'data.yaml'), 'train: train.txt\nval: val.txt\nnames: [dark, light, striped, red]\n');
  const { out } = await run(root);
  expect(out).toContain('2 images are in both train and val: an evaluation with them is too optimistic');
  expect(out).toContain('the training data have no striped, no red: a class without objects cannot be learned');
  expect(out).toContain('only 3 dark, 3 light: 4 classes are many for these data; --set data.classes=NAME,NAME');
  expect(out).toContain('the test data "val" have no striped, no red: a class without objects has no AP');
});

it('goes on where a split has no labels, and says so', async () => {
  const root = join(folder, 'unlabelled');
  await cp(yolo, root, { recursive: true });
  await cp(join(yolo, 'images', 'val'), join(root, 'images', 'test'), { recursive: true });
  await writeFile(
    join(root, 'data.yaml'),
    'train: images/train\nval: images/val\ntest: images/test\nnames: [dark, light]\n',
  );
  const { status, out } = await run(root);
  expect(status).toBe(0);
  expect(out).toMatch(/HKL_DATASET_UNREADABLE\] .*images\/test: none of its 4 images has a label file/);
  expect(out).toMatch(/train {2}val\n/);
});

it('asks where two formats are in a folder, and takes the answer', async () => {
  const squares = join(folder, 'squares');
  const asked = await run(squares);
  expect([asked.status, asked.err]).toEqual([
    1,
    expect.stringMatching(/HKL_DATA_FORMAT.*it can be read as COCO.*--format coco/),
  ]);
  expect((await run(squares, '--format', 'voc')).out).toContain(
    'Pascal VOC, 2 splits: test (ImageSets/Main/test.txt), trainval',
  );
});

it.each([
  [['x', '--format', 'yollo'], 2, '--format yollo is not a known format. Did you mean yolo? Known: yolo, coco, voc'],
  [['x', '--to', 'yolo', 'y'], 2, '--to yolo cannot be written. Write --to coco DIR'],
  [['x', '--to', 'coco'], 2, '--to needs a folder to write to'],
  [['x', 'y'], 2, 'unexpected argument "y". To write the data there: --to coco y'],
  [['nowhere'], 1, 'nowhere: there is no such folder'],
])('refuses %j', async (argv, status, message) => {
  const result = await run(...argv);
  expect(result.status).toBe(status);
  expect(result.err).toContain(message);
  await expect(stat('y')).rejects.toThrow('ENOENT');
});
