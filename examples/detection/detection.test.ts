import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger } from 'hookline';
import bccd from './bccd.ts';
import ownData from './own-data.ts';
import { drawSquares } from '@hookline/testing';

const SMALL = [
  'solver.batchSize=4',
  'solver.warmupIterations=5',
  'checkpoint.best=',
  'model.width=8',
  'input.width=80',
  'input.height=64',
  'writers.tensorboard=false',
];
const QUIET = new ConsoleLogger({ level: 'silent' });

let folder: string;
let root: string;
beforeAll(async () => {
  folder = temporaryFolder();
  root = join(folder, 'squares');
  await drawSquares(root);
});

describe('the BCCD trainer', () => {
  it('learns from a folder in VOC format and reports test-time augmentation and pictures in results, logs and files', async () => {
    const output = join(folder, 'run');
    const set = [...SMALL, `data.root=${root}`, 'solver.maxIterations=80', 'test.evalPeriod=40', 'seed=1'];
    const trainer = bccd.create({ output, set, logger: QUIET });
    const { status, results } = await trainer.train();
    await trainer.dispose();
    expect(status).toBe('completed');
    expect(Object.keys(results ?? {}).sort()).toEqual(['bbox', 'bbox_TTA']);
    const { bbox, bbox_TTA: tta } = results as unknown as Record<'bbox' | 'bbox_TTA', Record<string, number>>;
    expect(bbox['AP50']).toBeGreaterThan(30);
    expect(Object.keys(tta)).toEqual(Object.keys(bbox));
    expect(Object.keys(bbox)).toEqual(expect.arrayContaining(['AP-dark', 'AP-light']));
    const lines = (await readFile(join(output, 'metrics.json'), 'utf8')).trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(records.findLast((line) => 'bbox_TTA/AP' in line)?.['bbox_TTA/AP']).toBe(tta['AP']);
    expect(records.filter((line) => 'bbox/AP' in line).map((line) => line['iteration'])).toEqual([39, 79]);
    expect(await readdir(join(output, 'predictions'))).toEqual(['0000039.png', '0000079.png']);
  });
});

describe('the trainer for your own data', () => {
  const create = (...set: string[]) =>
    ownData.create({
      output: join(folder, 'own'),
      set: [...SMALL, `data.root=${root}`, 'data.format=voc', ...set],
      logger: QUIET,
    });
  /** The data sets for training and for testing. */
  const dataOf = async (...set: string[]) => {
    const trainer = create(...set);
    return {
      train: await trainer.trainData(),
      test: await trainer.testData(trainer.config.datasets.test[0] ?? ''),
    };
  };

  it("excludes a folder's test split, or every fifth image, from training", async () => {
    const lists = await dataOf();
    expect([lists.train.records.length, lists.test.records.length]).toEqual([12, 4]);
    const { train, test } = await dataOf('datasets.train=trainval,test');
    expect([train.records.length, test.records.length]).toEqual([13, 3]);
    const held = new Set(test.records.map(({ file }) => file));
    expect(train.records.filter(({ file }) => held.has(file))).toEqual([]);
  });

  it('trains on COCO files, with images that keep their aspect ratio and with another head', async () => {
    const set = ['datasets.train=train.json', 'datasets.test=test.json', 'data.images=JPEGImages', 'input.width=96'];
    const { train, test } = await dataOf(...set);
    const trainer = create(...set, 'model.head=retina', 'solver.maxIterations=2', 'input.randomFlip=none');
    expect([train.records.length, test.records.length]).toEqual([12, 4]);
    expect(train.metadata.classes).toEqual(['dark', 'light']);
    const { status, results } = await trainer.train();
    await trainer.dispose();
    expect([status, ...Object.keys(results ?? {})]).toEqual(['completed', 'bbox', 'bbox_TTA']);
  });

  it('rejects test data with other classes', async () => {
    const json = JSON.parse(await readFile(join(root, 'test.json'), 'utf8')) as { categories: { name: string }[] };
    json.categories.forEach((category) => (category.name = `very ${category.name}`));
    await writeFile(join(root, 'other.json'), JSON.stringify(json));
    const set = ['datasets.train=train.json', 'datasets.test=other.json', 'data.images=JPEGImages'];
    await expect(dataOf(...set)).rejects.toThrow(/HKL_DATA_CLASSES.*very dark, very light/s);
  });

  it('rejects damaged data if `data.strict` is set, and names the file', async () => {
    await writeFile(join(root, 'Annotations', 'squares-99.xml'), '<annotation>');
    const names = ['00', '01', '02', '03', '04', '99'].map((number) => `squares-${number}`);
    await writeFile(join(root, 'ImageSets', 'Main', 'damaged.txt'), names.join('\n'));
    const set = ['datasets.train=damaged', 'datasets.test=test'];
    await expect(dataOf(...set, 'data.strict=true')).rejects.toThrow(/squares-99/);
    expect((await dataOf(...set)).train.report.problems).toHaveLength(1);
  });
});
