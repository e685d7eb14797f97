import { access } from 'node:fs/promises';
import { isAbsolute, join, posix, resolve } from 'node:path';
import { cacheFolder, didYouMean, HooklineError, type Logger } from '@hookline/core';
import {
  type Dataset,
  type DatasetCatalog,
  describeFormat,
  divideSplits,
  findFormats,
  type FoundFormat,
  type FoundFormats,
  type FoundSplit,
  readCoco,
  type ReaderOptions,
  roleOf,
} from '@hookline/images';
import type { DetectionConfig } from '../config/detection-config.ts';
import { joinDatasets } from './join-datasets.ts';
import { ALL, HELD_BACK } from '../config/well-known-names.ts';

/** Minimum time in milliseconds between two log lines about checked images. */
const PROGRESS_MS = 5000;

/** Finds and reads the data sets that the entries of `datasets` name. */
export class DatasetFinder {
  readonly #data: DetectionConfig['data'];
  readonly #catalog: DatasetCatalog;
  readonly #logger: Logger;
  #formats: Promise<FoundFormats> | undefined;
  readonly #told = new Set<FoundFormat>();

  constructor(data: DetectionConfig['data'], catalog: DatasetCatalog, logger: Logger) {
    this.#data = data;
    this.#catalog = catalog;
    this.#logger = logger;
  }

  /**
   * Reads the data set that an entry names: one of the catalog, a split of the folder `data.root`, a `.json` file in
   * COCO's format below it, `all`, or `held-back`.
   *
   * @param entries all entries of the config; when a name exists in two formats, the format with all of them is used
   * @returns undefined for `held-back` when the folder has no split for it
   * @throws HooklineError `HKL_DATA_ROOT`, `HKL_DATA_FORMAT`, `HKL_DATASET_UNKNOWN` with the known names, and the errors of the
   * readers
   */
  async find(name: string, entries: DetectionConfig['datasets']): Promise<Dataset | undefined> {
    if (this.#catalog.list().includes(name)) return this.#catalog.get(name);
    // When the training data are named explicitly, the caller holds back a part of them.
    if (name === HELD_BACK && !entries.train.includes(ALL)) return undefined;
    const { root } = this.#data;
    if (name.endsWith('.json') && root !== '' && (await isThere(resolve(root, name)))) return this.#readCoco(name);
    const formats = await this.#look();
    if (name === ALL || name === HELD_BACK) {
      const format = formats.only();
      this.#tell(format);
      assertRoles(formats.root, format);
      const { train, heldBack } = divideSplits(format.splits);
      const splits = name === ALL ? train : heldBack;
      if (splits.length === 0) return undefined;
      if (format.splits.length > 1)
        this.#logger.info(
          `${name} means ${splits.map((split) => `"${split.name}"`).join(', ')}, judging by the names of the splits`,
        );
      return joinDatasets(await Promise.all(splits.map(async (split) => this.#read(split))));
    }
    const having = formats.found.filter(({ splits }) => splitOf(splits, name) !== undefined);
    if (having.length === 0) throw unknown(name, formats, this.#catalog);
    const others = [...entries.train, ...entries.test].filter((entry) =>
      formats.found.some(({ splits }) => splitOf(splits, entry) !== undefined),
    );
    const whole = having.filter(({ splits }) => others.every((entry) => splitOf(splits, entry) !== undefined));
    // Throws the error that asks the user to choose a format.
    const format = whole.length === 1 ? (whole[0] as FoundFormat) : formats.only();
    this.#tell(format);
    return this.#read(splitOf(format.splits, name) as FoundSplit);
  }

  async #look(): Promise<FoundFormats> {
    const { root, format, images, outside } = this.#data;
    if (root === '') {
      throw new HooklineError('HKL_DATA_ROOT', 'no folder of data is named', {
        who: 'data.root',
        fix: 'Name the folder of the data: --set data.root=FOLDER',
      });
    }
    return (this.#formats ??= findFormats(root, { format, outside, ...(images !== '' && { images }) }));
  }

  #tell(format: FoundFormat): void {
    if (this.#told.has(format)) return;
    this.#told.add(format);
    this.#logger.info(`${this.#data.root}: ${describeFormat(format)}`);
    for (const remark of format.remarks) this.#logger.warn(remark);
  }

  async #read(split: FoundSplit): Promise<Dataset> {
    const { checkImages, strict } = this.#data;
    return split.read({ checkImages, strict, ...this.#looking(split.source) });
  }

  /** Reader options that remember sound images and log the progress of checking images from time to time. */
  #looking(source: string): Pick<ReaderOptions, 'remember' | 'onProgress'> {
    let told = performance.now();
    return {
      remember: join(cacheFolder(), 'images'),
      onProgress: (done, images) => {
        if (performance.now() - told < PROGRESS_MS) return;
        told = performance.now();
        this.#logger.info(`${source}: checked ${done} of ${images} images`);
      },
    };
  }

  async #readCoco(json: string): Promise<Dataset> {
    const { root, images, outside, checkImages, strict } = this.#data;
    return readCoco({
      json: resolve(root, json),
      // A file outside the root was named by the user, and its folder is a data folder of its own.
      ...(isAbsolute(json) || posix.normalize(json).startsWith('..') ? {} : { root: resolve(root) }),
      outside,
      checkImages,
      strict,
      ...this.#looking(json),
      ...(images !== '' && { images: resolve(root, images) }),
    });
  }
}

const isThere = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Finds a split by its name or by its role, such as `val` when the data call it `valid`. */
function splitOf(splits: readonly FoundSplit[], name: string): FoundSplit | undefined {
  const exact = splits.find((split) => split.name === name);
  if (exact !== undefined) return exact;
  const role = ROLE_NAMES.includes(name.toLowerCase()) ? roleOf(name) : undefined;
  const same = role === undefined ? [] : splits.filter((split) => roleOf(split.name) === role);
  return same.length === 1 ? same[0] : undefined;
}

const ROLE_NAMES = ['train', 'val', 'valid', 'validation', 'test'];

/** Refuses several splits without known roles: files side by side may be versions of one another, so the user must name one. */
function assertRoles(root: string, { splits }: FoundFormat): void {
  if (splits.length < 2 || splits.some(({ name }) => roleOf(name) !== undefined || name === ALL)) return;
  const [first, second] = splits as readonly [FoundSplit, FoundSplit];
  const list = splits.map(({ source }) => source).join(', ');
  throw new HooklineError(
    'HKL_DATASET_UNKNOWN',
    `it has ${splits.length} sets of annotations (${list}); name the ones to train on`,
    {
      who: root,
      fix: `Such as --set datasets.train=${first.name} --set datasets.test=${second.name}`,
    },
  );
}

function unknown(name: string, { root, found, only }: FoundFormats, catalog: DatasetCatalog): HooklineError {
  // When no format was found, throw the error that says so.
  if (found.length === 0) only();
  const splits = found.flatMap((format) => format.splits);
  const json = splits.map(({ source }) => source).filter((source) => source.endsWith('.json'));
  const known = [...new Set([...catalog.list(), ...splits.map((split) => split.name), ...json, ALL, HELD_BACK])];
  return new HooklineError('HKL_DATASET_UNKNOWN', `there is no data set "${name}"`, {
    who: root,
    where: 'datasets.train, datasets.test',
    fix: didYouMean(name, known),
  });
}
