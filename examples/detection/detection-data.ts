import { join } from 'node:path';
import { type Dataset, formatReport, HooklineError, type Logger, readCoco, readVoc } from 'hookline';
import type { DetectionConfig } from './detection-config.ts';

type DataConfig = DetectionConfig['data'];

export interface DetectionData {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** One image in so many is held back where no test data are named. */
const HELD_BACK = 5;

/**
 * Reads the data sets, and reports what was dropped or changed on the way.
 *
 * @throws HooklineError those of the readers, and `HKL_DATA_CLASSES` when training and test data have other classes
 */
export async function readDetectionData(data: DataConfig, logger: Logger): Promise<DetectionData> {
  const whole = await read(data, data.train);
  report(whole, logger);
  if (data.test === '') {
    const held = (wanted: boolean): Dataset => ({
      ...whole,
      records: whole.records.filter((_, place) => (place % HELD_BACK === HELD_BACK - 1) === wanted),
    });
    return { train: held(false), test: held(true) };
  }
  const { classes } = whole.metadata;
  const test = await read(data, data.test, classes);
  report(test, logger);
  if (test.metadata.classes.join() === classes.join()) return { train: whole, test };
  throw new HooklineError(
    'HKL_DATA_CLASSES',
    `it has the classes ${test.metadata.classes.join(', ')}, and ${whole.metadata.source} ${classes.join(', ')}`,
    { who: test.metadata.source, fix: 'Give both files the same categories' },
  );
}

function read({ root, images, strict }: DataConfig, name: string, classes?: readonly string[]): Promise<Dataset> {
  const folder = images === '' ? undefined : images;
  if (name.endsWith('.json')) {
    return readCoco({ json: join(root, name), strict, ...(folder !== undefined && { images: join(root, folder) }) });
  }
  return readVoc({
    root,
    strict,
    ...(name !== '' && { split: name }),
    ...(folder !== undefined && { images: folder }),
    ...(classes && { classes }),
  });
}

function report({ report: found }: Dataset, logger: Logger): void {
  if (found.problems.length === 0) logger.info(formatReport(found));
  else logger.warn(formatReport(found));
}
