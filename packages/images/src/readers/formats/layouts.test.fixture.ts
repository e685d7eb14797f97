import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Files by path: a picture if it has a picture's extension, else text or bytes. */
export type Files = Readonly<Record<string, string | object>>;

/** The pictures are 64 x 48 pixels, and each object is a cat at [8, 12, 24, 36]. */
export const CAT = [8, 12, 24, 36] as const;
export const YOLO_CAT = '0 0.25 0.5 0.25 0.5\n';

/** Writes files to new folders, which are removed after each test. Call it at the top of a test file. */
export function layOutForTests(): (files: Files) => Promise<string> {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });
  return async (files) => {
    const root = temporaryFolder();
    folders.push(root);
    await addFiles(root, files);
    return root;
  };
}

export async function addFiles(root: string, files: Files): Promise<void> {
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: 'grey' } });
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    if (/\.jpe?g$/i.test(path)) await writeFile(file, await picture.clone().jpeg().toBuffer());
    else if (/\.png$/i.test(path)) await writeFile(file, await picture.clone().png().toBuffer());
    else if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(file, content);
    else await writeFile(file, JSON.stringify(content));
  }
}

/** A COCO file of images with one cat each. */
export const cocoOf = (names: readonly string[], more: object = {}): object => ({
  images: names.map((file_name, place) => ({ id: place + 1, file_name, width: 64, height: 48 })),
  annotations: names.map((_, place) => ({ id: place + 1, image_id: place + 1, category_id: 1, bbox: [8, 12, 16, 24] })),
  categories: [{ id: 1, name: 'cat' }],
  ...more,
});

/** A VOC file with one cat. @param filename as written in the file; undefined omits it */
export const vocOf = (filename: string | undefined, more = ''): string =>
  `<annotation>${filename === undefined ? '' : `<filename>${filename}</filename>`}${more}<size><width>64</width>` +
  `<height>48</height></size><object><name>cat</name><bndbox><xmin>9</xmin><ymin>13</ymin><xmax>24</xmax>` +
  `<ymax>36</ymax></bndbox></object></annotation>`;

export const cat = `cat ${CAT.join(' ')}`;
/** A description of YOLO. */
export const yaml = (more: string): string => `names: [cat, dog]\nnc: 2\n${more}`;
export const yoloSplits: Files = {
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
export const labelmeOf = (imagePath: string, shape: object = {}): object => ({
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
export const createml = [
  { image: 'a.jpg', annotations: [{ label: 'cat', coordinates: { x: 16, y: 24, width: 16, height: 24 } }] },
];
const CSV =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside';

type Layout = readonly [name: string, files: Files, line: RegExp | string, splits: object];
export const one = { all: { 'a.jpg': [cat] } };

export const LAYOUTS: readonly Layout[] = [
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
