import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasTargets } from '../../records/annotation-table.ts';
import { DetectionLoader } from '../../loader/detection-loader.ts';
import { randomFlip } from '../../transforms/random-augmentations.ts';
import type { Dataset } from '../dataset.ts';
import { formatReport } from '../dataset-report.ts';
import { describeFormat, findFormats } from './find-formats.ts';
import {
  addFiles,
  cat,
  cocoOf,
  createml,
  type Files,
  labelmeOf,
  layOutForTests,
  LAYOUTS,
  one,
  vocOf,
  yaml,
  YOLO_CAT,
  yoloSplits,
} from './layouts.test.fixture.ts';

const make = layOutForTests();

/** The objects of each split, as `class box`, by image. */
async function read(root: string, options?: Parameters<typeof findFormats>[1]) {
  const format = (await findFormats(root, options)).only();
  const splits: Record<string, Record<string, string[]>> = {};
  const reports: string[] = [];
  for (const split of format.splits) {
    const { records, metadata, report } = await split.read({});
    reports.push(formatReport(report));
    splits[split.name] = Object.fromEntries(
      records.map(({ file, annotations }) => [
        file.slice(root.length + 1),
        annotations.map(({ box, category }) => `${metadata.classes[category] ?? '?'} ${box.join(' ')}`),
      ]),
    );
  }
  return { line: describeFormat(format), splits, report: reports.join('\n'), remarks: format.remarks };
}

/** Objects in three batches of a training on the first split that has any. */
async function objectsOfThreeBatches(root: string): Promise<number> {
  const sets = await Promise.all((await findFormats(root)).only().splits.map(async (split) => split.read({})));
  const { records } = sets.find((each) => each.records.some(hasTargets)) as Dataset;
  const loader = new DetectionLoader(records, {
    ...{ batchSize: 2, size: { width: 32, height: 24 }, workers: 0, minSize: 2 },
    augmentations: [randomFlip()],
  });
  let [batches, objects] = [0, 0];
  for await (const { boxes, counts } of loader) {
    expect(boxes.data.every(Number.isFinite)).toBe(true);
    objects += counts.data.reduce((sum, each) => sum + each, 0);
    if (++batches === 3) break;
  }
  return objects;
}

it.each(LAYOUTS)('%s is found and read, and a training gets batches of it', async (_, files, line, splits) => {
  const root = await make(files);
  const found = await read(root);
  expect(await objectsOfThreeBatches(root)).toBeGreaterThan(0);
  if (typeof line === 'string') expect(found.line).toBe(line);
  else expect(found.line).toMatch(line);
  expect(found.splits).toEqual(splits);
});

it('VOC with links to pictures in the folder is read; a link to a picture elsewhere is refused unless allowed', async () => {
  const root = await make({
    'VOC/Annotations/a.xml': vocOf('a.jpg'),
    'VOC/Annotations/b.xml': vocOf('b.jpg'),
    'all/a.jpg': '',
  });
  const other = await make({ 'b.jpg': '' });
  await mkdir(join(root, 'VOC/JPEGImages'));
  await symlink(join(root, 'all/a.jpg'), join(root, 'VOC/JPEGImages/a.jpg'));
  await symlink(join(other, 'b.jpg'), join(root, 'VOC/JPEGImages/b.jpg'));
  const { splits, report } = await read(root);
  expect(splits).toEqual({ all: { 'VOC/JPEGImages/a.jpg': [cat] } });
  expect(report).toMatch(
    /image-outside \(image dropped\): 1\n.*b\.jpg: it is outside of the folder of the data, at .*data\.outside/,
  );
  expect((await read(root, { outside: [other] })).splits).toEqual({
    all: { 'VOC/JPEGImages/a.jpg': [cat], 'VOC/JPEGImages/b.jpg': [cat] },
  });
});

it('circular links do not loop for ever', async () => {
  const root = await make({ 'a.jpg': '', 'a.xml': vocOf('a.jpg') });
  await symlink(root, join(root, 'round'));
  expect((await read(root)).splits).toEqual(one);
});

it("reports paths of YOLO's description that do not exist, and reads a data.yaml given by name", async () => {
  const root = await make({ ...yoloSplits, 'data.yaml': yaml('train: images/train\nval: images/vla\n') });
  const { line, remarks } = await read(root);
  expect(line).toBe('YOLO (data.yaml), 1 split: train 2 images');
  expect(remarks).toEqual([`data.yaml has "images/vla" as val, and there is no such folder or file in ${root}`]);
  await addFiles(root, { 'other.yaml': yaml('train: images/val\n') });
  await expect(read(root)).rejects.toThrow(
    /HKL_DATA_FORMAT.*several descriptions for YOLO: data\.yaml, other\.yaml; name one of them as the data: --set data\.root=FOLDER\/data\.yaml/,
  );
  const named = (await findFormats(join(root, 'other.yaml'))).only();
  expect(describeFormat(named)).toBe('YOLO (other.yaml), 1 split: train 1 image');
});

it('two formats in one folder are an error that names the option to choose one', async () => {
  const root = await make({ 'a.jpg': '', 'a.txt': YOLO_CAT, 'classes.txt': 'cat', 'data.json': cocoOf(['a.jpg']) });
  await expect(read(root)).rejects.toThrow(
    /HKL_DATA_FORMAT.*it can be read as YOLO \(classes\.txt\): 1 image, and as COCO: data\.json.*--set data\.format=yolo or data\.format=coco/,
  );
  for (const format of ['yolo', 'coco'] as const) expect((await read(root, { format })).splits).toEqual(one);
});

it('data in another format than the one asked for are an error that names theirs', async () => {
  const root = await make({ 'a.jpg': '', 'data.json': cocoOf(['a.jpg']) });
  await expect(read(root, { format: 'yolo' })).rejects.toThrow(
    /HKL_DATA_FORMAT.*no annotations of the format yolo; it can be read as COCO: data\.json\. Ask for that: --set data\.format=coco/,
  );
});

it.each<readonly [string, Files, RegExp]>([
  [
    'pictures alone',
    { 'a.jpg': '', 'b.jpg': '' },
    /it has 2 images but no annotations. If they are in the folder above, name that: \//,
  ],
  ['archives', { 'data.zip': 'x' }, /it has archives: unpack them/],
  ['Parquet', { 'data/train-0.parquet': 'x' }, /Parquet files, as of Hugging Face: write the images to files/],
  ['TFRecord', { 'cats.tfrecord': 'x' }, /TFRecord files: export the data as COCO or YOLO/],
  [
    'detections',
    { 'a.jpg': '', 'results.json': [{ image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], score: 1 }] },
    /results\.json holds detections, not annotations/,
  ],
  [
    'half a COCO file',
    { 'a.json': { images: [], annotations: [] } },
    /a\.json looks like COCO and has no "categories"/,
  ],
  [
    'a table of boxes',
    { '_annotations.csv': 'filename,width,height,class,xmin,ymin,xmax,ymax\n' },
    /_annotations\.csv is a table of boxes with the columns filename, width/,
  ],
  [
    'VIA 3',
    { 'p.json': { project: {}, config: {}, attribute: {}, file: {}, metadata: {}, view: {} } },
    /Image Annotator 3, which is not read; export it as COCO/,
  ],
  ['other XML', { 'a.jpg': '', 'a.xml': '<svg></svg>' }, /a\.xml is XML, and its root is not <annotation>/],
  ['a broken data.yaml', { 'a.jpg': '', 'data.yaml': 'names: [cat\ntrain: x' }, /data\.yaml cannot be read: /],
  [
    'two folders of VOC',
    {
      'VOC2007/Annotations/a.xml': vocOf('a.jpg'),
      'VOC2007/ImageSets/Main/train.txt': 'a',
      'VOC2012/Annotations/b.xml': vocOf('b.jpg'),
      'VOC2012/ImageSets/Main/train.txt': 'b',
    },
    /2 folders in the format of Pascal VOC: VOC2007, VOC2012; name one of them/,
  ],
])('%s: refused with a fix', async (_, files, message) => {
  const error = await read(await make(files)).then(
    () => 'accepted',
    (cause: unknown) => String(cause),
  );
  expect(error).toMatch(/HKL_DATA_FORMAT/);
  expect(error).toMatch(message);
});

it.each<readonly [string, string, RegExp | undefined]>([
  [
    'a score after the box',
    '0 0.25 0.5 0.25 0.5 0.9',
    /line 1 has 5 numbers after the class.*with a score at the end, it is a detection/,
  ],
  ['pixels', '0 16 24 16 24', /line 1: 0 16 24 16 24 is in pixels, and YOLO's numbers are fractions/],
  ['a class too many', '2 0.25 0.5 0.25 0.5', /line 1: class 2 is not among the 2 names/],
  ['a name for a class', 'cat 0.25 0.5 0.25 0.5', /line 1: "cat" is not the number of a class/],
  ['a word for a number', '0 0.25 x 0.25 0.5', /line 1: 0 0\.25 x 0\.25 0\.5 is not four numbers/],
  ['a class with a point', '0.0 0.25 0.5 0.25 0.5', undefined],
])('a line of YOLO with %s', async (_, text, message) => {
  const root = await make({
    'images/a.jpg': '',
    'labels/a.txt': text,
    'images/b.jpg': '',
    'labels/b.txt': YOLO_CAT,
    'labels/lost.txt': YOLO_CAT,
    'data.yaml': yaml('train: images\n'),
  });
  const { splits, report } = await read(root);
  expect(splits['train']).toEqual({ 'images/a.jpg': message === undefined ? [cat] : [], 'images/b.jpg': [cat] });
  if (message !== undefined) expect(report).toMatch(message);
  expect(report).toMatch(/lost\.txt: there is no image with its name/);
});

it('keypoints after a box are ignored when the description announces them', async () => {
  const root = await make({
    'images/a.jpg': '',
    'labels/a.txt': '0 0.25 0.5 0.25 0.5 0.3 0.3 2 0.4 0.4 2',
    'data.yaml': yaml('train: images\nkpt_shape: [2, 3]\n'),
  });
  expect((await read(root)).splits['train']).toEqual({ 'images/a.jpg': [cat] });
});

it.each([
  ['names: [cat, cat]\ntrain: images\n', /classes 0 and 1 are both called "cat"/],
  ['names: {cat: 0}\ntrain: images\n', /"names" has the key "cat", which is not the number of a class/],
])('invalid "names" of YOLO are refused: %j', async (text, message) => {
  await expect(read(await make({ 'images/a.jpg': '', 'data.yaml': text }))).rejects.toThrow(message);
});

it('shapes without an area, a point and a line, are dropped and reported', async () => {
  const root = await make({
    'a.jpg': '',
    'a.json': labelmeOf('a.jpg', { shape_type: 'point', points: [[3, 4]] }),
    'b.jpg': '',
    'b.json': labelmeOf('b.jpg', {
      shape_type: 'circle',
      points: [
        [16, 24],
        [16, 32],
      ],
    }),
  });
  const { splits, report } = await read(root);
  expect(splits).toEqual({ all: { 'a.jpg': [], 'b.jpg': ['cat 8 16 24 32'] } });
  expect(report).toMatch(/a\.json: shape 1 \(point\): box \[3, 4, 3, 4\] has no area/);
});

it('does not use an image of another split for a missing one', async () => {
  const root = await make({
    'annotations/instances_train2017.json': cocoOf(['1.jpg', '2.jpg']),
    'annotations/instances_val2017.json': cocoOf(['1.jpg']),
    'train2017/2.jpg': '',
    'val2017/1.jpg': '',
  });
  const { splits, report } = await read(root);
  expect(splits).toEqual({ train: { 'train2017/2.jpg': [cat] }, val: { 'val2017/1.jpg': [cat] } });
  expect(report).toMatch(/image-missing \(image dropped\): 1/);
});

it('takes the images of a folder that is called like one split for all splits, where no folder is called like the others', async () => {
  const root = await make({
    'train.json': cocoOf(['1.jpg']),
    'val.json': cocoOf(['2.jpg']),
    'train/1.jpg': '',
    'train/2.jpg': '',
  });
  expect((await read(root)).splits).toEqual({ train: { 'train/1.jpg': [cat] }, val: { 'train/2.jpg': [cat] } });
});

it('files outside the folders of splits belong to none of them', async () => {
  const root = await make({
    'train/a.jpg': '',
    'train/a.xml': vocOf('a.jpg'),
    'val/b.jpg': '',
    'val/b.xml': vocOf('b.jpg'),
    'c.jpg': '',
    'c.xml': vocOf('c.jpg'),
  });
  const { line, splits } = await read(root);
  expect(line).toBe('Pascal VOC, 2 splits: train 1 image, val 1 image; also rest');
  expect(splits['rest']).toEqual({ 'c.jpg': [cat] });
});

it('says how many images have no label file, and refuses a split in which none has', async () => {
  const root = await make({
    ...yoloSplits,
    'images/train/bare.jpg': '',
    'images/test/c.jpg': '',
    'data.yaml': yaml('train: images/train\ntest: images/test\n'),
  });
  const [train, test] = (await findFormats(root)).only().splits;
  expect(formatReport((await train!.read({})).report)).toMatch(
    /labels-absent \(note\): 1\n.*images without a label file count as images without objects: 1 of 3, such as images\/train\/bare\.jpg/,
  );
  await expect(test!.read({})).rejects.toThrow(
    /HKL_DATASET_UNREADABLE.*none of its 1 image has a label file\. Put them into a folder labels in place of images/,
  );
});

it('reads an image once when a format without ids lists it twice', async () => {
  const root = await make({ 'a.jpg': '', 'b.json': [...createml, ...createml] });
  const { splits, report } = await read(root);
  expect(splits).toEqual(one);
  expect(report).toMatch(/duplicate-image-id \(image dropped\): 1\n.*it lists "a\.jpg" again; the first one is kept/);
});

it('reports a folder that cannot be listed', async () => {
  const root = await make({ 'a.jpg': '', 'a.xml': vocOf('a.jpg') });
  await expect(findFormats(root, { outside: [join(root, 'none')] })).resolves.toBeDefined();
  await expect(findFormats(root, { outside: ['/nowhere/none'] })).rejects.toThrow(
    /HKL_DATA_ROOT.*it cannot be searched: .*\/nowhere\/none/,
  );
});

it.each<readonly [string, Files]>([
  ['COCO', { 'data.json': cocoOf(['a.jpg']) }],
  ['VOC', { 'a.xml': vocOf('a.jpg') }],
])('%s: the folder of images that the user names is used, also outside of the data', async (_, files) => {
  const root = await make({ ...files, 'one/a.jpg': '', 'two/a.jpg': '' });
  expect((await read(root, { images: 'two' })).splits).toEqual({ all: { 'two/a.jpg': [cat] } });
  expect((await read(root, { images: join(root, 'one') })).splits).toEqual({ all: { 'one/a.jpg': [cat] } });
  const other = await make({ 'a.jpg': '' });
  const bare = await make(files);
  const format = (await findFormats(bare, { images: other })).only();
  expect((await format.splits[0]!.read({})).records.map(({ file }) => file)).toEqual([join(other, 'a.jpg')]);
});
