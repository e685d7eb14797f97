import { copyFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dataset, DetectionLoader, readVoc } from '@hookline/images';
import { drawSquares, RecordingLogger } from '@hookline/testing';
import { defineTrainer } from '@hookline/trainer';
import { detectionConfig } from './config/detection-config.ts';
import { reportSmallObjects, reportTestData } from './datasets/report-data.ts';
import { DetectionTrainer } from './detection-trainer.ts';

let folder: string;
let logger: RecordingLogger;
let train: Dataset;
let test: Dataset;
beforeAll(async () => {
  folder = temporaryFolder();
  const root = join(folder, 'squares');
  await drawSquares(root);
  [train, test] = (await Promise.all(['trainval', 'test'].map(async (split) => readVoc({ root, split })))) as [
    Dataset,
    Dataset,
  ];
});
beforeEach(() => (logger = new RecordingLogger()));

describe('objects that are too small', () => {
  /** Squares with sides of 14 pixels in images of 80x64, the first ones with other sides. */
  const loaderOf = (sides: readonly number[], size = { width: 40, height: 32 }): DetectionLoader => {
    const records = train.records.map((record, place) => {
      const side = sides[place] ?? 14;
      const annotations = record.annotations.map((each) => ({ ...each, box: [1, 1, 1 + side, 9] as const }));
      return { ...record, annotations, width: 80, height: 64 };
    });
    return new DetectionLoader(records, { batchSize: 2, size, minSize: 2, workers: 0 });
  };

  it('are counted, with the size of the input that would keep them', () => {
    reportSmallObjects(loaderOf([3, 3.9, 4.1]), ['dark', 'light'], logger);
    expect(logger.matching('')).toEqual([
      'warning: 4 of 24 objects are left out of the training: too small to be learned once their images are shrunk to 40x32 (2 dark, 2 light). ' +
        '--set input.width=64 --set input.height=64 keeps all of them',
    ]);
    logger = new RecordingLogger();
    reportSmallObjects(loaderOf([3, 3], { width: 64, height: 64 }), [], logger);
    expect(logger.matching('')).toEqual([]);
  });

  it('are an error when there are no others', () => {
    const tiny = { width: 8, height: 8 };
    expect(() => reportSmallObjects(loaderOf([], tiny), [], logger)).toThrow(
      /HKL_DATA_EMPTY\] input: all of the 24 objects are too small.*shrunk to 8x8.*--set input\.width=32 --set input\.height=32 keeps all of them/,
    );
  });
});

it('pictures shared by test and training data are reported: the same file, a link, a copy with another name', async () => {
  const [first, second, third] = train.records.map(({ file }) => file) as [string, string, string];
  const names = { link: join(folder, 'link.png'), copy: join(folder, 'copy.png') };
  await symlink(second, names.link);
  await copyFile(third, names.copy);
  const [record] = test.records as [Dataset['records'][number]];
  const records = [...test.records, ...[first, names.link, names.copy].map((file) => ({ ...record, file }))];
  await reportTestData('val', { ...test, records }, train, logger);
  expect(logger.matching('too optimistic')).toEqual([
    expect.stringMatching(
      /: 3 pictures are in the test data "val" and in the training data, such as .*: an evaluation with them/,
    ),
  ]);
  logger = new RecordingLogger();
  await reportTestData('val', test, train, logger);
  expect(logger.matching('')).toEqual([expect.stringMatching(/"val" have 8 objects in 4 images: with so few/)]);
});

it('a loss that is 0 from the start is reported', async () => {
  const config = detectionConfig({
    seed: 1,
    capture: 'off',
    model: { width: 4 },
    input: { width: 32, height: 32 },
    solver: { batchSize: 2, maxIterations: 12, warmupIterations: 1 },
    datasets: { train: ['trainval'], test: [] },
    data: { format: 'voc', root: join(folder, 'squares') },
    writers: { tensorboard: false, plots: false },
  });
  const run = async (minVisible: number): Promise<readonly string[]> => {
    const own = new RecordingLogger();
    const definition = defineTrainer({
      config,
      trainer: DetectionTrainer,
      buildTrainLoader: () =>
        new DetectionLoader(train.records, { batchSize: 2, size: { width: 32, height: 32 }, workers: 0, minVisible }),
    });
    const trainer = definition.create({ output: join(folder, 'run'), logger: own });
    await trainer.train();
    await trainer.dispose();
    return own.matching('since the first step');
  };
  // No object has a visible share of 2, so none becomes a target.
  expect(await run(2)).toEqual([
    expect.stringMatching(
      /loss_box_reg has been 0 since the first step: nothing is learned from it\. The likely cause/,
    ),
  ]);
  expect(await run(0)).toEqual([]);
});
