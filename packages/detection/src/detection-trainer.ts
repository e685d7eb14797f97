import { totalmem } from 'node:os';
import { join } from 'node:path';
import {
  communicator,
  HooklineError,
  type LoadOptions,
  type LoadScope,
  onFirstRank,
  type PluginInput,
  type Preset,
} from '@hookline/core';
import {
  type Augmentation,
  type Dataset,
  DatasetCatalog,
  DetectionLoader,
  PADDING,
  randomAffine,
  randomBrightness,
  randomContrast,
  randomFlip,
  randomWindow,
} from '@hookline/images';
import { InferenceSampler } from '@hookline/data';
import { detector, fcosHead, POSTPROCESS_DEFAULTS, type PredictImageOptions, retinaHead } from '@hookline/vision';
import { presetDetection } from '@hookline/preset-detection';
import {
  type DataSource,
  type ExportSource,
  modelRef,
  type TfjsRuntimeOptions,
  type TrainableModel,
} from '@hookline/tfjs';
import { type ConfigValues, DefaultTrainer, type MadeEvaluators } from '@hookline/trainer';
import { bestMetric } from './best-metric.ts';
import { assertSameClasses, classNames, type Learned, learnedOf } from './class-names.ts';
import type { DetectionConfig } from './config/detection-config.ts';
import { type DetectionDatasets, readDatasets, readTestDatasets } from './datasets/read-datasets.ts';
import { trainSampler } from './datasets/train-sampler.ts';
import { assertDifferent, nameOf } from './config/well-known-names.ts';
import { reportSmallObjects } from './datasets/report-data.ts';
import { describeValues, findRecipe, type RecipeValues, logRecipe, unwritten } from './recipe/find-recipe.ts';
import { recipeState, savedRecipe } from './recipe/recipe-state.ts';
import { statisticsOf } from './recipe/data-statistics.ts';
import { timeSteps } from './recipe/time-steps.ts';
import { frozenStages } from './frozen-stages.ts';
import { lazyDataset } from './lazy-dataset.ts';
import { lossAlarm } from './loss-alarm.ts';
import { makeBackbone } from './make-backbone.ts';
import { makeEvaluator, named, postprocessing, writeTruth } from './make-evaluator.ts';
import { costOfViews, ttaOptions } from './tta-options.ts';

/** Limits below which an augmented object is not a target: visible share of its box, and length of its sides in pixels. */
const LEAST_OF_OBJECT = { minVisible: 0.3, minSize: 2 };

/**
 * Trains a dense detector on data sets from a catalog or in any format that `findFormats` knows. It is a DefaultTrainer with all
 * `build*` methods implemented; override those that should do something else.
 *
 * @example export default defineTrainer({ config: detectionConfig({ data: { root: 'cells' } }), trainer: DetectionTrainer });
 * @example
 * class CellTrainer extends DetectionTrainer {
 *   override buildCatalog() { return new DatasetCatalog().register('cells', () => readCoco({ json: 'cells.json' })); }
 * }
 */
export class DetectionTrainer<C extends DetectionConfig = DetectionConfig> extends DefaultTrainer<C> {
  #datasets: Promise<DetectionDatasets> | undefined;
  #testSets: Promise<ReadonlyMap<string, Dataset>> | undefined;
  /** Class names and orientation from the checkpoint that was loaded for inference. */
  #learned: Learned | undefined;
  readonly #facts: DataFacts = {};
  readonly #written = new Set<string>();
  #isPrepared = false;
  /** The recipe of the resumed run, from its checkpoint. */
  #saved: { readonly values: RecipeValues | undefined } | undefined;
  /** The recipe of this run. */
  #recipe: RecipeValues | undefined;

  /** Data sets by name, for `datasets.train` and `datasets.test`. The default catalog is empty, so entries name files and splits. */
  buildCatalog(_config: C): DatasetCatalog | Promise<DatasetCatalog> {
    return new DatasetCatalog();
  }

  /**
   * The names of the classes to detect, in order. After {@link DetectionTrainer.loadForInference} they come from the checkpoint and
   * need no data; otherwise they come from the training data.
   *
   * @throws HooklineError see {@link readDatasets}
   */
  async classNames(): Promise<readonly string[]> {
    return this.#learned?.classes ?? (await this.trainData()).metadata.classes;
  }

  /** All of `datasets.train` joined. It is read once, together with the test data. @throws HooklineError see {@link readDatasets} */
  async trainData(): Promise<Dataset> {
    return (await this.#read()).train;
  }

  /** A data set of `datasets.test`; when training, it is read with the training data. @throws HooklineError see {@link readDatasets} */
  async testData(dataset: string): Promise<Dataset> {
    const found = (await this.#readTest()).get(dataset);
    if (found !== undefined) return found;
    throw new HooklineError('HKL_DATASET_UNKNOWN', `"${dataset}" is not in datasets.test`, { who: 'testData' });
  }

  /**
   * Loads a checkpoint for prediction or evaluation. The training data are not read and need not exist; an evaluation reads only the
   * test data. The classes come from the checkpoint.
   *
   * @throws HooklineError as `load` does; `HKL_DATA_CLASSES` when `data.classes` names other classes
   */
  override async loadForInference(
    path: string,
    options: Parameters<DefaultTrainer['loadForInference']>[1] = {},
  ): Promise<void> {
    const { classes } = this.config.data;
    // A model that already exists keeps its classes.
    if (this.madeService(modelRef) === undefined) {
      this.#learned = await learnedOf(path);
      this.#facts.orient = this.#learned?.orient ?? undefined;
    }
    if (classes.length > 0 && this.#learned !== undefined) assertSameClasses(this.#learned.classes, classes);
    await super.loadForInference(path, options);
  }

  override async buildModel({ model }: C): Promise<TrainableModel> {
    return detector({
      classNames: await this.classNames(),
      backbone: makeBackbone(model),
      head: model.head === 'fcos' ? fcosHead({ softmaxWeight: model.softmaxWeight }) : retinaHead(),
    });
  }

  /** Random augmentations of the training images. With `input.window` they produce images of that size. */
  buildAugmentations({ input }: C): readonly Augmentation[] {
    const { window, randomFlip: flips } = input;
    return [
      // Windows come before the flips, which then have fewer pixels to move.
      window > 0
        ? randomWindow({ width: window, height: window, scale: 0.35 })
        : randomAffine({ scale: 0.35, shift: 0.15 }),
      ...FLIPS[flips].map((direction) => randomFlip({ direction })),
      randomBrightness(0.75, 1.25),
      randomContrast(0.75, 1.25),
    ];
  }

  override async buildTrainLoader(config: C): Promise<DataSource> {
    const { records } = await this.trainData();
    const { input, dataloader, solver } = config;
    const random = this.random.stream('train-loader');
    return new DetectionLoader(records, {
      ...LEAST_OF_OBJECT,
      batchSize: solver.batchSize,
      size: { width: input.width, height: input.height },
      ...(input.window > 0 && { frame: { width: input.window, height: input.window } }),
      fit: input.fit,
      sampler: trainSampler(records, dataloader, random.stream('order')),
      groupByAspect: dataloader.aspectRatioGrouping,
      augmentations: this.buildAugmentations(config),
      cache: dataloader.cache,
      ...threads(config),
      random,
    });
  }

  override async buildTestLoader(config: C, dataset: string): Promise<DataSource> {
    const { records } = await this.testData(dataset);
    const { input, test } = config;
    return new DetectionLoader(records, {
      batchSize: test.batchSize,
      size: { width: input.width, height: input.height },
      fit: input.fit,
      sampler: new InferenceSampler(records.length),
      ...threads(config),
    });
  }

  /**
   * Makes the evaluator that `test.evaluator` names; test-time augmentation gets another one with its own folder. It writes
   * `coco_instances_results.json` and, once, `coco_format.json` for data that are not in COCO's format.
   */
  override async buildEvaluator(config: C, dataset: string, folder: string): Promise<MadeEvaluators> {
    const truth = await this.testData(dataset);
    const truthFile = join(folder, 'coco_format.json');
    if (!dataset.endsWith('.json') && !this.#written.has(truthFile)) {
      await writeTruth(truthFile, truth);
      this.#written.add(truthFile);
    }
    return makeEvaluator(config, truth, {
      resultsFile: join(folder, 'coco_instances_results.json'),
      logger: folder.startsWith(this.#ttaFolder()) ? named(this.logger, 'test-time augmentation') : this.logger,
    });
  }

  /** The default preset, plus pictures of predictions and test-time augmentation for each test data set. */
  override buildPreset(config: C): Preset {
    const { test, datasets } = config;
    const names = this.#testNames(config);
    const self = new WeakRef<DetectionTrainer<C>>(this);
    const folder = this.#ttaFolder();
    return presetDetection({
      defaults: super.buildPreset(config),
      datasets: datasets.test.map((dataset, place) => lazyDataset(self, dataset, names[place] as string, folder)),
      predictionPictures: test.pictures && postprocessing(test),
      detectionTta: test.aug.enabled && { everyEvaluation: test.aug.everyEvaluation, ...ttaOptions(config) },
    });
  }

  /** Name of a test data set in results: the name of a COCO file without folders and `.json`, else the entry itself. */
  override datasetName(dataset: string): string {
    return nameOf(dataset);
  }

  /** Options with which `hookline predict` prepares images as in training. `tta` are the views for test-time augmentation. */
  async predictOptions(): Promise<PredictImageOptions> {
    const { width, height, fit } = this.config.input;
    return {
      size: { width, height },
      fit,
      // A network that was trained on pixels as stored must see pixels as stored.
      orient: this.#learned?.orient ?? (await this.#orientOfData()),
      ...postprocessing(this.config.test),
      tta: ttaOptions(this.config),
    };
  }

  /** The description of the model that an export needs: its input, of the size `input`, and how to prepare images and postprocess outputs. */
  override async buildExport({ input, test }: C): Promise<ExportSource> {
    const { width, height, fit } = input;
    const { orient } = await this.predictOptions();
    return {
      inputs: { name: 'images', shape: [null, height, width, 3], range: [0, 255] },
      details: {
        task: 'detection',
        classNames: await this.classNames(),
        preparation: { width, height, fit, fill: PADDING, orient: orient !== false },
        postprocessing: { ...POSTPROCESS_DEFAULTS, ...postprocessing(test) },
      },
    };
  }

  /** Loads a checkpoint. Unless it is already prepared, the trainer first adopts the stored recipe, but not with the scope `weights`. */
  override async load(path: string, options: LoadScope | LoadOptions = {}): Promise<void> {
    const { scope = 'all' } = typeof options === 'string' ? { scope: options } : options;
    if (!this.#isPrepared) this.#saved = scope === 'weights' ? undefined : { values: await savedRecipe(path) };
    await super.load(path, options);
  }

  /** With `budget.minutes`, sets sizes and schedule: those of the resumed checkpoint, else those chosen for the data. */
  protected override async adaptConfig(
    config: C,
    isWritten: (key: string) => boolean,
  ): Promise<ConfigValues<C> | undefined> {
    this.#isPrepared = true;
    if (this.#saved !== undefined) {
      const { values } = this.#saved;
      if (values !== undefined)
        this.logger.info(`recipe:     that of the checkpoint: ${describeValues(values, config, isWritten)}`);
      this.#recipe = values;
      return values && (unwritten(values, isWritten) as ConfigValues<C>);
    }
    if (config.budget.minutes === 0) return undefined;
    // The choice depends on one machine's clock and memory, so ranks would choose differently.
    const find = (): ReturnType<typeof findRecipe> => this.#findRecipe(config, isWritten);
    const { values, reasons } = await onFirstRank(communicator(), find, 'the recipe');
    logRecipe(reasons, this.logger);
    this.#recipe = values;
    return values as ConfigValues<C>;
  }

  protected override builtinPlugins(): readonly PluginInput[] {
    return [
      ...super.builtinPlugins(),
      classNames({ orient: orientOf(this.#facts) }),
      this.#recipe !== undefined && recipeState(this.#recipe),
      lossAlarm(),
      // A method of a subclass may load weights itself.
      this.buildModel === DetectionTrainer.prototype.buildModel && frozenStages(this.config.model),
    ];
  }

  protected override runtimeOptions(): TfjsRuntimeOptions {
    const options = super.runtimeOptions();
    return {
      ...options,
      loadData: async () => {
        const data = (await options.loadData?.()) as DataSource;
        if (data instanceof DetectionLoader) reportSmallObjects(data, await this.classNames(), this.logger);
        return data;
      },
    };
  }

  async #findRecipe(config: C, isWritten: (key: string) => boolean): ReturnType<typeof findRecipe> {
    const { train, test } = await this.#read();
    const { solver, capture, precision } = config;
    const statistics = statisticsOf(train.records, train.metadata.classes.length);
    return findRecipe({
      config,
      isWritten,
      statistics,
      testImages: [...test.values()].reduce((sum, { records }) => sum + records.length, 0),
      // A quarter of the machine's memory: the network and other programs need some too.
      memory: totalmem() / 4,
      now: () => performance.now() / 1000,
      views: config.test.aug.enabled ? costOfViews(ttaOptions(config)) : 0,
      time: async (sizes) => {
        const [width, height] = sizes.window > 0 ? [sizes.window, sizes.window] : [sizes.width, sizes.height];
        const model = await this.buildModel({ ...config, model: { ...config.model, width: sizes.channels } });
        const objects = Math.max(...train.records.map(({ annotations }) => annotations.length));
        // With several ranks, each has its share of a batch.
        const batchSize = Math.ceil(solver.batchSize / communicator().size);
        return timeSteps({ model, batchSize, width, height, objects, capture, precision });
      },
    });
  }

  protected override pluginConfig(config: C): C {
    const best = bestMetric(config.checkpoint.best, this.#testNames(config));
    return { ...config, checkpoint: { ...config.checkpoint, best } };
  }

  #testNames({ datasets }: C): readonly string[] {
    return assertDifferent(datasets.test.map((dataset) => this.datasetName(dataset)));
  }

  #ttaFolder(): string {
    return join(this.outputDir, 'inference_TTA');
  }

  #read(): Promise<DetectionDatasets> {
    return (this.#datasets ??= (async () => {
      const found = await readDatasets(this.config, await this.buildCatalog(this.config), this.logger);
      this.#facts.orient = found.train.records.every(({ orient }) => orient !== false);
      return found;
    })());
  }

  async #readTest(): Promise<ReadonlyMap<string, Dataset>> {
    if (this.#learned === undefined) return (await this.#read()).test;
    const { classes } = this.#learned;
    return (this.#testSets ??= (async () =>
      readTestDatasets(this.config, await this.buildCatalog(this.config), this.logger, classes))());
  }

  /** The orientation for a checkpoint that does not state it, such as one of version 0.1.0. */
  async #orientOfData(): Promise<boolean> {
    try {
      await this.trainData();
    } catch (error) {
      if (this.#learned === undefined) throw error;
      this.logger.warn(
        'the checkpoint does not say whether its images were annotated with their EXIF rotation applied, and the training data cannot be read: the rotation is applied',
      );
    }
    return this.#facts.orient ?? true;
  }
}

/** Facts that are known once the training data have been read. */
interface DataFacts {
  /** Whether the EXIF rotation of the images is applied; undefined while that is not known. */
  orient?: boolean | undefined;
}

/** It is outside the class, so that its closure does not hold `this`: a reference to the plugin must not keep the trainer alive. */
const orientOf = (facts: DataFacts) => (): boolean | undefined => facts.orient;

const FLIPS = {
  none: [],
  horizontal: ['horizontal'],
  vertical: ['vertical'],
  both: ['horizontal', 'vertical'],
} as const;

const threads = ({ dataloader: { numWorkers } }: DetectionConfig) =>
  numWorkers === 'auto' ? {} : { workers: numWorkers };
