import { HooklineError, type Logger } from '@hookline/core';
import {
  classHistogram,
  type Dataset,
  type DetectionLoader,
  listed,
  remarksOnTest,
  remarksOnTraining,
  sameImages,
} from '@hookline/images';
import { nameOf } from '../config/well-known-names.ts';

/** Logs the number of objects of each class (detectron2's class histogram), and which classes have too few to be learned. */
export function reportTrainingData(train: Dataset, logger: Logger): void {
  const { records, metadata } = train;
  const counts = classHistogram(records, metadata.classes.length);
  const list = metadata.classes.map((name, category) => `${counts[category] ?? 0} ${name}`);
  logger.info(`training on ${records.length} images with ${list.join(', ')}`);
  for (const remark of remarksOnTraining(train)) logger.warn(remark);
}

/** Logs whether a test data set is too small for reliable metrics, and which of its pictures are also training data. */
export async function reportTestData(entry: string, test: Dataset, train: Dataset, logger: Logger): Promise<void> {
  const name = nameOf(entry);
  for (const remark of remarksOnTest(name, test)) logger.warn(remark);
  const shared = await sameImages(test.records, train.records);
  const [first] = shared;
  if (first === undefined) return;
  const [are, them] = shared.length === 1 ? ['picture is', 'it'] : ['pictures are', 'them'];
  const example = first.file === first.other ? first.file : `${first.file}, which is ${first.other} there`;
  logger.warn(
    `${shared.length} ${are} in the test data "${name}" and in the training data, such as ${example}: an evaluation with ${them} is too optimistic`,
  );
}

/**
 * Logs how many objects a training loader drops because they are too small after resizing, and which input size would keep
 * them.
 *
 * @throws HooklineError `HKL_DATA_EMPTY` when it drops all objects
 */
export function reportSmallObjects(loader: DetectionLoader, classes: readonly string[], logger: Logger): void {
  const { size } = loader;
  const found = loader.smallObjects();
  if (size === undefined || found?.better === undefined) return;
  const { objects, dropped, byCategory, better } = found;
  const counts = [...byCategory].sort(([, a], [, b]) => b - a);
  const list = listed(counts.map(([category, count]) => `${count} ${classes[category] ?? category}`));
  const rest = better.dropped === 0 ? 'all of them' : `all but ${better.dropped}`;
  const fix = `--set input.width=${better.size.width} --set input.height=${better.size.height} keeps ${rest}`;
  const what = `too small to be learned once their images are shrunk to ${size.width}x${size.height}`;
  if (dropped === objects)
    throw new HooklineError(
      'HKL_DATA_EMPTY',
      `all of the ${objects} objects are ${what}, so that nothing is left to learn`,
      {
        who: 'input',
        fix,
      },
    );
  logger.warn(`${dropped} of ${objects} objects are left out of the training: ${what} (${list}). ${fix}`);
}
