import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { formatReport } from '../dataset-report.ts';
import { describeFormat, findFormats } from './find-formats.ts';
import { addFiles, CAT, cocoOf, type Files, layOut, vocOf, YOLO_CAT } from './layouts.test.fixture.ts';

const folders: string[] = [];
const make = async (files: Files): Promise<string> => {
  const root = await layOut(files);
  folders.push(root);
  return root;
};
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

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

const cat = `cat ${CAT.join(' ')}`;
const yaml = (more: string): string => `names: [cat, dog]\nnc: 2\n${more}`;
const yoloSplits: Files = {
  'images/train/a.jpg': '',
  'images/train/empty.jpg': '',
  'images/val/b.jpg': '',
  'labels/train/a.txt': YOLO_CAT,
  'labels/train/empty.txt': '',
  'labels/val/b.txt': '1 0.25 0.5 0.25 0.5\n',
};
const twoSplits = {
  train: { 'images/train/a.jpg': [cat], 'images/train/empty.jpg': [] },
  val: { 'images/val/b.jpg': [cat.replace('cat', 'dog')] },
};
const via = (shape: object, attributes: object = { type: 'cat' }): object => ({
  'a.jpg123': { filename: 'a.jpg', size: 123, regions: [{ shape_attributes: shape, region_attributes: attributes }] },
});
const rectangle = { name: 'rect', x: 8, y: 12, width: 16, height: 24 };
const labelmeOf = (imagePath: string, shape: object = {}): object => ({
  version: '5.0.1',
  shapes: [
    {
      label: 'cat',
      shape_type: 'rectangle',
      points: [
        [24, 36],
        [8, 12],
      ],
      ...shape,
    },
  ],
  imagePath,
  imageData: null,
  imageHeight: 48,
  imageWidth: 64,
});
const createml = [
  { image: 'a.jpg', annotations: [{ label: 'cat', coordinates: { x: 16, y: 24, width: 16, height: 24 } }] },
];
const CSV =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside';

type Layout = readonly [name: string, files: Files, line: RegExp | string, splits: object];
const one = { all: { 'a.jpg': [cat] } };

const LAYOUTS: readonly Layout[] = [
  [
    'YOLO of Ultralytics',
    { ...yoloSplits, 'data.yaml': yaml('path: .\ntrain: images/train\nval: images/val\ntest:\n') },
    'YOLO (data.yaml), 2 splits: train 2 images, val 1 image',
    twoSplits,
  ],
  [
    'YOLO with names by number, and an absolute path of another machine',
    {
      ...yoloSplits,
      'coco8.yaml':
        'path: /home/somebody/datasets/coco8\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n',
    },
    'YOLO (coco8.yaml), 2 splits: train 2 images, val 1 image',
    twoSplits,
  ],
  [
    'YOLO with absolute places of Windows',
    { ...yoloSplits, 'data.yaml': yaml('train: C:\\data\\x\\images\\train\nval: C:\\data\\x\\images\\val\n') },
    'YOLO (data.yaml), 2 splits: train 2 images, val 1 image',
    twoSplits,
  ],
  [
    'YOLO of Roboflow, whose places begin with ../',
    {
      'train/images/a.jpg': '',
      'train/labels/a.txt': YOLO_CAT,
      'valid/images/b.jpg': '',
      'valid/labels/b.txt': YOLO_CAT,
      'data.yaml': yaml('train: ../train/images\nval: ../valid/images\ntest: ../test/images\n'),
      'README.roboflow.txt': 'x',
    },
    'YOLO (data.yaml), 2 splits: train 1 image, val 1 image',
    { train: { 'train/images/a.jpg': [cat] }, val: { 'valid/images/b.jpg': [cat] } },
  ],
  [
    'YOLO with lists of images',
    {
      ...yoloSplits,
      'images/val/with space.jpg': '',
      'labels/val/with space.txt': YOLO_CAT,
      'train.txt': './images/train/a.jpg\r\n./images/train/empty.jpg\r\n',
      'val.txt': '/old/place/images/val/with space.jpg\n',
      'data.yaml': yaml('train: train.txt\nval: val.txt\n'),
    },
    'YOLO (data.yaml), 2 splits: train 2 images, val 1 image',
    { train: twoSplits.train, val: { 'images/val/with space.jpg': [cat] } },
  ],
  [
    'YOLO of Darknet and CVAT',
    {
      'obj.data': 'classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n',
      'obj.names': 'cat\ndog\n',
      'train.txt': 'data/obj_train_data/a.jpg\n',
      'obj_train_data/a.jpg': '',
      'obj_train_data/a.txt': YOLO_CAT,
    },
    'YOLO (obj.data), 1 split: train 1 image',
    { train: { 'obj_train_data/a.jpg': [cat] } },
  ],
  [
    'YOLO side by side, with polygons',
    { 'a.jpg': '', 'a.txt': '0 0.125 0.25 0.375 0.25 0.375 0.75 0.2 0.75\n', 'classes.txt': 'cat\ndog\n' },
    'YOLO (classes.txt): 1 image',
    one,
  ],
  [
    'YOLO of Label Studio',
    {
      'images/a.jpg': '',
      'labels/a.txt': YOLO_CAT,
      'notes.json': { categories: [{ id: 0, name: 'cat' }], info: { year: 2024 } },
    },
    'YOLO (notes.json): 1 image',
    { all: { 'images/a.jpg': [cat] } },
  ],
  [
    'YOLO that names no classes, in folders of splits',
    {
      'train/images/a.jpg': '',
      'train/labels/a.txt': YOLO_CAT,
      'val/images/b.jpg': '',
      'val/labels/b.txt': '1 0.5 0.5 1 1',
    },
    'YOLO (label files alone), 2 splits: train 1 image, val 1 image',
    { train: { 'train/images/a.jpg': [cat.replace('cat', '0')] }, val: { 'val/images/b.jpg': ['1 0 0 64 48'] } },
  ],
  [
    "COCO's own layout",
    {
      'annotations/instances_train2017.json': cocoOf(['1.jpg']),
      'annotations/instances_val2017.json': cocoOf(['1.jpg']),
      'annotations/captions_val2017.json': { images: [], annotations: [] },
      'annotations/person_keypoints_val2017.json': cocoOf(['1.jpg']),
      'train2017/1.jpg': '',
      'val2017/1.jpg': '',
    },
    'COCO, 2 splits: train (annotations/instances_train2017.json), val (annotations/instances_val2017.json)',
    { train: { 'train2017/1.jpg': [cat] }, val: { 'val2017/1.jpg': [cat] } },
  ],
  [
    "Roboflow's COCO, with its root category",
    {
      'train/_annotations.coco.json': cocoOf(['a.jpg'], {
        categories: [
          { id: 0, name: 'pets', supercategory: 'none' },
          { id: 1, name: 'cat', supercategory: 'pets' },
        ],
      }),
      'train/a.jpg': '',
      'valid/_annotations.coco.json': cocoOf(['a.jpg']),
      'valid/a.jpg': '',
    },
    'COCO, 2 splits: train (train/_annotations.coco.json), valid (valid/_annotations.coco.json)',
    { train: { 'train/a.jpg': [cat] }, valid: { 'valid/a.jpg': [cat] } },
  ],
  [
    "CVAT's COCO with sub-folders",
    {
      'annotations/instances_default.json': cocoOf(['one/a.jpg', 'two/a.jpg']),
      'images/one/a.jpg': '',
      'images/two/a.jpg': '',
    },
    'COCO: annotations/instances_default.json',
    { all: { 'images/one/a.jpg': [cat], 'images/two/a.jpg': [cat] } },
  ],
  [
    "Label Studio's COCO",
    {
      'result.json': cocoOf([
        'images\\a.jpg',
        '/data/local-files/?d=pictures/b%20c.jpg',
        '../../label-studio/data/media/upload/1/d-e.jpg',
      ]),
      'images/a.jpg': '',
      'images/b c.jpg': '',
      'images/d-e.jpg': '',
    },
    'COCO: result.json',
    { all: { 'images/a.jpg': [cat], 'images/b c.jpg': [cat], 'images/d-e.jpg': [cat] } },
  ],
  [
    "coco-annotator's COCO",
    {
      'pets.json': {
        images: [{ id: 1, dataset_id: 1, path: '/datasets/pets/a.jpg', file_name: 'a.jpg', width: 64, height: 48 }],
        annotations: [
          {
            id: 1,
            image_id: 1,
            category_id: 1,
            segmentation: [[8, 12, 24, 12, 24, 36, 8, 36]],
            iscrowd: false,
            isbbox: true,
          },
        ],
        categories: [{ id: 1, name: 'cat', supercategory: '' }],
      },
      'pets/a.jpg': '',
    },
    'COCO: pets.json',
    { all: { 'pets/a.jpg': [cat] } },
  ],
  [
    'Pascal VOC with lists',
    {
      'VOC2012/Annotations/a.xml': vocOf('a.jpg'),
      'VOC2012/Annotations/b.xml': vocOf('b.jpg'),
      'VOC2012/JPEGImages/a.jpg': '',
      'VOC2012/JPEGImages/b.jpg': '',
      'VOC2012/ImageSets/Main/train.txt': 'a\n',
      'VOC2012/ImageSets/Main/val.txt': 'b\n',
    },
    /^Pascal VOC, 2 splits: train \(VOC2012\/ImageSets\/Main\/train\.txt\), val \(.*\); also all$/,
    {
      train: { 'VOC2012/JPEGImages/a.jpg': [cat] },
      val: { 'VOC2012/JPEGImages/b.jpg': [cat] },
      all: { 'VOC2012/JPEGImages/a.jpg': [cat], 'VOC2012/JPEGImages/b.jpg': [cat] },
    },
  ],
  [
    "CVAT's VOC with sub-folders and spaces in its lists",
    {
      'Annotations/one/a b.xml': vocOf('one/a b.jpg'),
      'Annotations/two/a b.xml': vocOf('two/a b.jpg'),
      'JPEGImages/one/a b.jpg': '',
      'JPEGImages/two/a b.jpg': '',
      'ImageSets/Main/default.txt': 'one/a b\ntwo/a b\n',
    },
    'Pascal VOC: 2 images; also default',
    {
      default: { 'JPEGImages/one/a b.jpg': [cat], 'JPEGImages/two/a b.jpg': [cat] },
      all: { 'JPEGImages/one/a b.jpg': [cat], 'JPEGImages/two/a b.jpg': [cat] },
    },
  ],
  ['VOC beside the pictures', { 'a.jpg': '', 'a.xml': vocOf('a.jpg') }, 'Pascal VOC: 1 image', one],
  [
    'VOC of Roboflow',
    { 'train/a.jpg': '', 'train/a.xml': vocOf('a.jpg'), 'test/b.jpg': '', 'test/b.xml': vocOf('b.jpg') },
    'Pascal VOC, 2 splits: test 1 image, train 1 image',
    { test: { 'test/b.jpg': [cat] }, train: { 'train/a.jpg': [cat] } },
  ],
  [
    'VOC in folders of other names',
    { 'xmls/a.xml': vocOf('a.jpg'), 'photos/a.jpg': '' },
    'Pascal VOC: 1 image',
    { all: { 'photos/a.jpg': [cat] } },
  ],
  [
    'Open Images',
    {
      'train-annotations-bbox.csv': `${CSV}\n0001,xclick,/m/01yrx,1,0.125,0.375,0.25,0.75,0,0,0,0,0\nffff,xclick,/m/01yrx,1,0,1,0,1,0,0,0,0,0\n`,
      'validation-annotations-bbox.csv': `${CSV}\n0002,xclick,/m/01yrx,1,0.125,0.375,0.25,0.75,0,0,1,0,0\n`,
      'class-descriptions-boxable.csv': '/m/01yrx,cat\n/m/0bt9lr,"Dog, small"\n',
      'train/0001.jpg': '',
      'validation/0002.jpg': '',
    },
    'Open Images (CSV), 2 splits: train (train-annotations-bbox.csv), validation (validation-annotations-bbox.csv)',
    { train: { 'train/0001.jpg': [cat] }, validation: { 'validation/0002.jpg': [cat] } },
  ],
  [
    'LabelMe',
    {
      'images/a.jpg': '',
      'images/b.jpg': '',
      'json/a.json': labelmeOf('..\\images\\a.jpg'),
      'json/b.json': labelmeOf('/old/b.jpg', {
        shape_type: 'polygon',
        points: [
          [8, 12],
          [24, 20],
          [20, 36],
        ],
      }),
    },
    'LabelMe (a JSON file for each image): 2 images',
    { all: { 'images/a.jpg': [cat], 'images/b.jpg': [cat] } },
  ],
  [
    'VIA, annotations',
    { 'a.jpg': '', 'via_region_data.json': via(rectangle) },
    'VGG Image Annotator: via_region_data.json',
    one,
  ],
  [
    'VIA, a project in folders of splits',
    {
      'train/a.jpg': '',
      'train/p.json': {
        _via_settings: {},
        _via_img_metadata: via({ name: 'polygon', all_points_x: [8, 24, 10], all_points_y: [12, 20, 36] }),
      },
      'val/a.jpg': '',
      'val/p.json': {
        _via_settings: {},
        _via_img_metadata: via({ name: 'ellipse', cx: 16, cy: 24, rx: 8, ry: 12 }, { type: { cat: true } }),
      },
    },
    'VGG Image Annotator, 2 splits: train (train/p.json), val (val/p.json)',
    { train: { 'train/a.jpg': [cat] }, val: { 'val/a.jpg': [cat] } },
  ],
  ['CreateML', { 'a.jpg': '', '_annotations.createml.json': createml }, 'CreateML: _annotations.createml.json', one],
];

it.each(LAYOUTS)('%s is found and read', async (_, files, line, splits) => {
  const found = await read(await make(files));
  if (typeof line === 'string') expect(found.line).toBe(line);
  else expect(found.line).toMatch(line);
  expect(found.splits).toEqual(splits);
});

it('VOC with links to pictures in the folder is read, one to a picture elsewhere refused unless allowed', async () => {
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

it('a folder of links that lead round in a circle ends', async () => {
  const root = await make({ 'a.jpg': '', 'a.xml': vocOf('a.jpg') });
  await symlink(root, join(root, 'round'));
  expect((await read(root)).splits).toEqual(one);
});

it("says what YOLO's description states and the folder lacks, and reads what a data.yaml itself names", async () => {
  const root = await make({ ...yoloSplits, 'data.yaml': yaml('train: images/train\nval: images/vla\n') });
  const { line, remarks } = await read(root);
  expect(line).toBe('YOLO (data.yaml), 1 split: train 2 images');
  expect(remarks).toEqual([`data.yaml has "images/vla" as val, and there is no such place in ${root}`]);
  await addFiles(root, { 'other.yaml': yaml('train: images/val\n') });
  await expect(read(root)).rejects.toThrow(
    /HKL_DATA_FORMAT.*several descriptions for YOLO: data\.yaml, other\.yaml; name one of them as the data: --set data\.root=FOLDER\/data\.yaml/,
  );
  const named = (await findFormats(join(root, 'other.yaml'))).only();
  expect(describeFormat(named)).toBe('YOLO (other.yaml), 1 split: train 1 image');
});

it('two formats in one folder are told, with the option that decides', async () => {
  const root = await make({ 'a.jpg': '', 'a.txt': YOLO_CAT, 'classes.txt': 'cat', 'data.json': cocoOf(['a.jpg']) });
  await expect(read(root)).rejects.toThrow(
    /HKL_DATA_FORMAT.*it can be read as YOLO \(classes\.txt\): 1 image, and as COCO: data\.json.*--set data\.format=yolo or data\.format=coco/,
  );
  for (const format of ['yolo', 'coco'] as const) expect((await read(root, { format })).splits).toEqual(one);
});

it.each<readonly [string, Files, RegExp]>([
  ['pictures alone', { 'a.jpg': '', 'b.jpg': '' }, /it has 2 images and nothing that says where objects are/],
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
])('%s: refused with what would help', async (_, files, message) => {
  const error = await read(await make(files)).then(
    () => 'accepted',
    (cause: unknown) => String(cause),
  );
  expect(error).toMatch(/HKL_DATA_FORMAT/);
  expect(error).toMatch(message);
});

it.each<readonly [string, string, RegExp | undefined]>([
  [
    'a score behind the box',
    '0 0.25 0.5 0.25 0.5 0.9',
    /line 1 has 5 numbers after the class.*with a score behind, it is a detection/,
  ],
  ['pixels', '0 16 24 16 24', /line 1: 0 16 24 16 24 is in pixels, and YOLO's numbers are fractions/],
  ['a class too many', '2 0.25 0.5 0.25 0.5', /line 1: class 2 is not among the 2 names/],
  ['a name for a class', 'cat 0.25 0.5 0.25 0.5', /line 1: "cat" is no number of a class/],
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
  expect(report).toMatch(/lost\.txt: there is no image of its name/);
});

it('keypoints behind a box are left out where the description announces them', async () => {
  const root = await make({
    'images/a.jpg': '',
    'labels/a.txt': '0 0.25 0.5 0.25 0.5 0.3 0.3 2 0.4 0.4 2',
    'data.yaml': yaml('train: images\nkpt_shape: [2, 3]\n'),
  });
  expect((await read(root)).splits['train']).toEqual({ 'images/a.jpg': [cat] });
});

it.each([
  ['names: [cat, cat]\ntrain: images\n', /classes 0 and 1 are both called "cat"/],
  ['names: {cat: 0}\ntrain: images\n', /"names" has the key "cat", which is no number of a class/],
])('names of YOLO that mean nothing are refused: %j', async (text, message) => {
  await expect(read(await make({ 'images/a.jpg': '', 'data.yaml': text }))).rejects.toThrow(message);
});

it('shapes without an area are dropped by name: a point, a line', async () => {
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
