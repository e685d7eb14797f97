import { HooklineError, type Logger } from '@hookline/core';
import { type Dataset, type DatasetCatalog, formatReport, hasTargets } from '@hookline/images';
import { assertSameClasses } from '../class-names.ts';
import type { DetectionConfig } from '../config/detection-config.ts';
import { DatasetFinder } from './find-dataset.ts';
import { classesOf, joinDatasets, withClasses } from './join-datasets.ts';
import { reportTestData, reportTrainingData } from './report-data.ts';
import { assertDifferent, HELD_BACK } from '../config/well-known-names.ts';

/** The data sets of a training run. */
export interface DetectionDatasets {
  /** All of `datasets.train` joined, without held-back images and, with `filterEmptyAnnotations`, without images that show no object. */
  readonly train: Dataset;
  /** Test data sets by their entry in `datasets.test`. */
  readonly test: ReadonlyMap<string, Dataset>;
}

/** Without a split to hold back, every fifth image is held back from training. */
const HELD_BACK_SHARE = 5;

/**
 * Reads the data sets that a config names, gives them the same classes, and reports what was dropped or changed.
 *
 * @throws HooklineError those of `DatasetFinder`; `HKL_DATA_CLASSES` when classes do not agree, `HKL_DATA_EMPTY`
 * when a data set has no usable image, `HKL_DATASETS` when no training data set is named or two have the same name
 */
export async function readDatasets(
  { data, datasets, dataloader }: Pick<DetectionConfig, 'data' | 'datasets' | 'dataloader'>,
  catalog: DatasetCatalog,
  logger: Logger,
): Promise<DetectionDatasets> {
  checkNames(datasets);
  const known = new Map<string, Dataset>();
  const finder = new DatasetFinder(data, catalog, logger);
  for (const name of new Set([...datasets.train, ...datasets.test])) {
    const set = await finder.find(name, datasets);
    if (set === undefined) continue;
    report(set, logger);
    if (set.records.length === 0) throw empty(set);
    known.set(name, set);
  }
  const get = (name: string): Dataset => known.get(name) as Dataset;
  const classes = classesOf(datasets.train.map(get), data.classes);
  const others = data.classes.length > 0 ? 'drop' : 'refuse';
  const whole = joinDatasets(datasets.train.map((name) => withClasses(get(name), classes, others)));
  const isHeld = (place: number): boolean =>
    datasets.test.includes(HELD_BACK) && !known.has(HELD_BACK) && place % HELD_BACK_SHARE === HELD_BACK_SHARE - 1;
  const test = new Map(
    datasets.test.map((name) => {
      if (known.has(name)) return [name, withClasses(get(name), classes, others)];
      const records = whole.records.filter((_, place) => isHeld(place));
      if (records.length === 0) throw tooFew(whole);
      logger.info(`${records.length} of ${whole.records.length} images are held back from training for the test`);
      return [name, { ...whole, records }];
    }),
  );
  const rest = whole.records.filter((_, place) => !isHeld(place));
  const train = { ...whole, records: dataloader.filterEmptyAnnotations ? rest.filter(hasTargets) : rest };
  if (train.records.length < rest.length)
    logger.info(`${rest.length - train.records.length} training images without an object are left out`);
  if (train.records.length === 0) throw nothingToLearn(whole);
  reportTrainingData(train, logger);
  for (const [name, set] of test) await reportTestData(name, set, train, logger);
  return { train, test };
}

/**
 * Reads only the data sets of `datasets.test`, to evaluate a detector whose classes are known. The training data are read only
 * when test data are held back from them.
 *
 * @param classes the class names of the detector, in its order
 * @throws HooklineError as {@link readDatasets} does
 */
export async function readTestDatasets(
  config: Pick<DetectionConfig, 'data' | 'datasets' | 'dataloader'>,
  catalog: DatasetCatalog,
  logger: Logger,
  classes: readonly string[],
): Promise<ReadonlyMap<string, Dataset>> {
  const { data, datasets } = config;
  assertDifferent(datasets.test);
  const finder = new DatasetFinder(data, catalog, logger);
  const others = data.classes.length > 0 ? 'drop' : 'refuse';
  const found = new Map<string, Dataset>();
  for (const name of datasets.test) {
    const set = await finder.find(name, datasets);
    if (set === undefined) {
      const { train, test } = await readDatasets(config, catalog, logger);
      assertSameClasses(classes, train.metadata.classes);
      return test;
    }
    report(set, logger);
    if (set.records.length === 0) throw empty(set);
    found.set(name, withClasses(set, classes, others));
  }
  return found;
}

function report({ report: found }: Dataset, logger: Logger): void {
  if (found.problems.length === 0) logger.info(formatReport(found));
  else logger.warn(formatReport(found));
}

function checkNames({ train, test }: DetectionConfig['datasets']): void {
  assertDifferent(test);
  const twice = train.find((name, place) => train.indexOf(name) !== place);
  if (train.length > 0 && twice === undefined) return;
  throw new HooklineError('HKL_DATASETS', twice === undefined ? 'nothing is named' : `"${twice}" is named twice`, {
    who: 'datasets.train',
    fix: 'Such as --set datasets.train=trainval --set datasets.test=test',
  });
}

const empty = ({ report: { images }, metadata: { source, evaluator } }: Dataset): HooklineError =>
  new HooklineError('HKL_DATA_EMPTY', images === 0 ? 'it names no image' : `none of its ${images} images can be used`, {
    who: source,
    fix:
      images === 0
        ? `Annotations are ${evaluator === 'voc' ? 'one XML file per image' : 'a list "images"'}; check whether this is the right place`
        : 'The lines above say why; the folder of the images is data.images',
  });

const tooFew = ({ records, metadata }: Dataset): HooklineError =>
  new HooklineError(
    'HKL_DATA_EMPTY',
    `every fifth image is held back for the test, and there are only ${records.length}`,
    {
      who: metadata.source,
      fix: 'Give more images, name test data by datasets.test, or train without an evaluation: --set datasets.test=',
    },
  );

const nothingToLearn = ({ metadata }: Dataset): HooklineError =>
  new HooklineError('HKL_DATA_EMPTY', 'no training image shows an object', {
    who: metadata.source,
    fix: 'Look at the annotations, and at data.classes where it is set',
  });
