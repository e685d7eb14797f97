import { copyFile, cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetCatalog, readCoco, readVoc } from '@hookline/images';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { detectionConfig } from '../config/detection-config.ts';
import { readDatasets } from './read-datasets.ts';

let folder: string;
let root: string;
let logger: RecordingLogger;
beforeAll(async () => {
  folder = temporaryFolder();
  root = join(folder, 'squares');
  await drawSquares(root);
  // A list in which all objects are dark; 03 shows none.
  const xml = await readFile(join(root, 'Annotations', 'squares-00.xml'), 'utf8');
  const dark = xml.replace(/<object><name>light.*?<\/object>/, '');
  await writeFile(join(root, 'Annotations', 'dark.xml'), dark);
  await writeFile(join(root, 'Annotations', 'empty.xml'), dark.replace(/<object>.*<\/object>/, ''));
  await writeFile(join(root, 'Annotations', 'odd.xml'), dark.replace('dark', 'striped'));
  for (const [name, files] of Object.entries({ dark: 'dark\nempty', odd: 'odd\ndark', none: '', lost: 'lost' }))
    await writeFile(join(root, 'ImageSets', 'Main', `${name}.txt`), files);
});
beforeEach(() => (logger = new RecordingLogger()));

const read = (set: string[], catalog = new DatasetCatalog(), at = root) =>
  readDatasets(detectionConfig({ data: { root: at } }).resolve(set), catalog, logger);
const COCO = 'data.images=JPEGImages';

describe('data sets by name', () => {
  it('holds back every fifth image when no test data are named', async () => {
    const { train, test } = await read(['datasets.train=trainval']);
    const held = test.get('held-back')!.records.map(({ imageId }) => imageId);
    expect(held).toEqual(['squares-04', 'squares-09']);
    expect(train.records).toHaveLength(10);
    expect(train.records.filter(({ imageId }) => held.includes(imageId as string))).toEqual([]);
    expect(logger.matching('held back')).toEqual(['2 of 12 images are held back from training for the test']);
    expect(logger.matching('training on')).toEqual(['training on 10 images with 10 dark, 10 light']);
  });

  it('reads lists of VOC, joins several, and merges their classes', async () => {
    const { train, test } = await read(['datasets.train=dark,trainval', 'datasets.test=test']);
    expect(train.metadata.classes).toEqual(['dark', 'light']);
    // The image without an object is left out.
    expect(train.records.map(({ imageId }) => imageId)[0]).toBe('dark');
    expect(train.records).toHaveLength(13);
    expect(logger.matching('without an object')).toEqual(['1 training images without an object are left out']);
    expect(test.get('test')!.records).toHaveLength(4);
    const all = await read(['datasets.train=dark,trainval', 'dataloader.filterEmptyAnnotations=false']);
    expect(all.train.records).toHaveLength(14 - 2);
  });

  it('reads COCO files, and everything when nothing is named', async () => {
    const { train, test } = await read(['datasets.train=train.json', 'datasets.test=test.json', COCO]);
    expect([train.records.length, test.get('test.json')!.records.length]).toEqual([12, 4]);
    expect(test.get('test.json')!.metadata.evaluator).toBe('coco');
    const coco = join(folder, 'coco');
    await mkdir(coco, { recursive: true });
    await cp(join(root, 'JPEGImages'), join(coco, 'JPEGImages'), { recursive: true });
    await copyFile(join(root, 'train.json'), join(coco, 'train.json'));
    expect((await read([COCO], undefined, coco)).train.records).toHaveLength(10);
    await copyFile(join(root, 'test.json'), join(coco, 'test.json'));
    // One of them is named like a test split.
    const both = await read([COCO], undefined, coco);
    expect([both.train.records.length, both.test.get('held-back')!.records.length]).toEqual([12, 4]);
    expect(logger.matching('coco: COCO').slice(1)).toEqual([
      `${coco}: COCO, 2 splits: test (test.json), train (train.json)`,
    ]);
    expect(logger.matching('by the names')).toEqual([
      'all means "train", judging by the names of the splits',
      'held-back means "test", judging by the names of the splits',
    ]);
    for (const [from, to] of [
      ['train', 'one'],
      ['test', 'two'],
    ])
      await rename(join(coco, `${from}.json`), join(coco, `${to}.json`));
    await expect(read([COCO], undefined, coco)).rejects.toThrow(
      /HKL_DATASET_UNKNOWN.*2 sets of annotations \(one\.json, two\.json\).*--set datasets\.train=one --set datasets\.test=two/,
    );
  });

  it('asks for a format when the names do not decide it', async () => {
    await expect(read([])).rejects.toThrow(
      /HKL_DATA_FORMAT.*it can be read as COCO, .*, and as Pascal VOC, .*--set data\.format=coco or data\.format=voc/,
    );
    expect((await read(['data.format=voc'])).train.metadata.evaluator).toBe('voc');
    expect((await read(['data.format=coco'])).train.metadata.evaluator).toBe('coco');
  });

  it('reads data sets of a catalog, without a folder', async () => {
    const catalog = new DatasetCatalog()
      .register('drawn', () => readVoc({ root, split: 'trainval' }))
      .register('drawn-test', () => readCoco({ json: join(root, 'test.json'), images: join(root, 'JPEGImages') }));
    const { train, test } = await read(['datasets.train=drawn', 'datasets.test=drawn-test'], catalog, '');
    expect([train.records.length, test.get('drawn-test')!.records.length]).toEqual([12, 4]);
    expect([train.metadata.evaluator, test.get('drawn-test')!.metadata.evaluator]).toEqual(['voc', 'coco']);
  });

  it('trains on everything and evaluates nothing when there is no test data set', async () => {
    const { train, test } = await read(['datasets.train=trainval', 'datasets.test=']);
    expect([train.records.length, test.size]).toEqual([12, 0]);
  });
});

describe('classes', () => {
  it('are those of data.classes, in their order; other objects are dropped', async () => {
    const { train, test } = await read(['datasets.train=trainval', 'datasets.test=odd', 'data.classes=light,dark']);
    expect(train.metadata.classes).toEqual(['light', 'dark']);
    const [first] = train.records;
    expect(first!.annotations.map(({ category }) => category)).toEqual([1, 0]);
    expect(test.get('odd')!.records.map(({ annotations }) => annotations.length)).toEqual([0, 1]);
  });

  it('keep the ids of a COCO file', async () => {
    const json = JSON.parse(await readFile(join(root, 'train.json'), 'utf8')) as { categories: { id: number }[] };
    const text = JSON.stringify({
      ...json,
      categories: json.categories.map((category) => ({ ...category, id: category.id * 10 })),
    }).replace(/"category_id":(\d)/g, '"category_id":$10');
    await writeFile(join(root, 'tens.json'), text);
    const { test } = await read(['datasets.train=trainval', 'datasets.test=tens.json', COCO, 'data.classes=light']);
    expect(test.get('tens.json')!.metadata).toMatchObject({ classes: ['light'], categoryIds: [20] });
  });

  it.each([
    [['datasets.train=trainval', 'datasets.test=odd'], /HKL_DATA_CLASSES.*odd\.txt.*"striped" is in .*JPEGImages/s],
    [['datasets.train=trainval', 'data.classes=dork'], /HKL_DATA_CLASSES.*no class "dork".*Did you mean "dark"/s],
    [['datasets.train=dark,other.json', 'datasets.test=', COCO], /HKL_DATA_CLASSES.*dark\.txt.*very dark/s],
    [['datasets.train=train.json,other.json', COCO], /HKL_DATA_CLASSES.*other\.json.*data\.classes=NAME,NAME/s],
  ])('have to agree: %j', async (set, message) => {
    const json = await readFile(join(root, 'train.json'), 'utf8');
    await writeFile(join(root, 'other.json'), json.replaceAll('"name":"', '"name":"very '));
    await expect(read(set)).rejects.toThrow(message);
  });

  it('without training objects are reported', async () => {
    await read(['datasets.train=dark,odd', 'datasets.test=', 'data.classes=dark,striped']);
    expect(logger.matching('the training data have no')).toEqual([]);
    const json = JSON.parse(await readFile(join(root, 'train.json'), 'utf8')) as Record<string, unknown[]>;
    json['categories']!.push({ id: 9, name: 'green' });
    await writeFile(join(root, 'more.json'), JSON.stringify(json));
    await read(['datasets.train=more.json', COCO]);
    expect(logger.matching('the training data have no green')).toHaveLength(1);
  });
});

describe('errors in the data are reported before training', () => {
  it.each([
    ['', [], /\[HKL_DATA_ROOT\] data\.root: no folder of data is named\..*--set data\.root=FOLDER/],
    ['nowhere', [], /HKL_DATA_ROOT.*nowhere: there is no such folder/],
    ['squares/test.json', [], /HKL_DATA_ROOT.*it is not a folder/],
    ['blank', [], /HKL_DATA_FORMAT.*no annotations were found: it is empty.*yolo: data\.yaml, or/s],
    ['bare', [], /HKL_DATA_FORMAT.*no annotations were found: it has 1 file, none in a known format/],
    ['squares', ['datasets.train=trainvall'], /no data set "trainvall".*Did you mean "trainval"/],
    [
      'squares',
      ['datasets.train=trainval', 'datasets.test=tset.json'],
      /no data set "tset\.json".*Did you mean "test\.json"/,
    ],
    ['squares', ['datasets.train=none'], /HKL_DATA_EMPTY.*none\.txt: it names no image/],
    ['squares', ['datasets.train=lost'], /HKL_DATA_EMPTY.*none of its 1 images can be used.*lines above/],
    ['stray', ['datasets.train=train.json'], /HKL_DATA_EMPTY.*none of its 12 images.*data\.images/],
    [
      'squares',
      ['datasets.train=dark'],
      /HKL_DATA_EMPTY.*every fifth image is held back for the test, and there are only 2.*--set datasets\.test=/,
    ],
    ['squares', ['datasets.train='], /HKL_DATASETS.*datasets\.train: nothing is named/],
    ['squares', ['datasets.train=test,test'], /HKL_DATASETS.*"test" is named twice/],
  ])('%s %j', async (place, set, message) => {
    await mkdir(join(folder, 'blank'), { recursive: true });
    await mkdir(join(folder, 'bare', 'Annotations'), { recursive: true });
    await writeFile(join(folder, 'bare', 'Annotations', 'notes.txt'), 'none');
    await mkdir(join(folder, 'stray'), { recursive: true });
    await copyFile(join(root, 'train.json'), join(folder, 'stray', 'train.json'));
    await expect(read(set, undefined, place === '' ? '' : join(folder, place))).rejects.toThrow(message);
  });

  it('a damaged file by its name, where it is asked for', async () => {
    await expect(read(['datasets.train=lost', 'data.strict=true'])).rejects.toThrow(/HKL_DATASET_INVALID.*lost\.xml/s);
  });
});
