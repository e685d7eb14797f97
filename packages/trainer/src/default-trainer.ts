import {
  assertKnownOptions,
  HooklineError,
  type LoadOptions,
  type Logger,
  type OptionNames,
  type PluginEntry,
  type PluginInput,
  type Preset,
  provide,
  type Provider,
  resolvePlugins,
  type ResumeOptions,
  type Results,
  type TrainResult,
} from '@hookline/core';
import { inferenceOnDataset, printCsvFormat, verifyResults } from '@hookline/plugin-evaluator';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { ema } from '@hookline/plugin-ema';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { lrScheduleRef, type Schedule, scheduleFromConfig } from '@hookline/plugin-lr-scheduler';
import { plots } from '@hookline/plugin-plots';
import { reduceOnPlateau } from '@hookline/plugin-reduce-on-plateau';
import { timeLimit } from '@hookline/plugin-time-limit';
import {
  type DataSource,
  type DeviceRequest,
  type ExportSource,
  exportSourceRef,
  modelRef,
  type Optimizer,
  type TfjsRuntimeOptions,
  type TrainableModel,
  unreadData,
  unreadDataError,
} from '@hookline/tfjs';
import { applyConfig } from './apply-config.ts';
import { buildOptimizer } from './build-optimizer.ts';
import { buildPreset } from './build-preset.ts';
import { configOfPlugins, optionsOf, type PluginConfig } from './config-of-plugins.ts';
import type { BaseConfig } from './config/config-schema.ts';
import { autoScale, describeScale } from './config/auto-scale.ts';
import { configFile } from './config/config-file.ts';
import { type ConfigPart, layOver } from './config/lay-over.ts';
import { copyWritten, isWritten } from './config/written-keys.ts';
import { exampleBatch } from './example-batch.ts';
import { SimpleTrainer } from './simple-trainer.ts';
import { testPlugin } from './test-plugin.ts';
import { configRef, evaluatorsRef, type MadeEvaluators, testLoaderRef } from './trainer-services.ts';
import {
  weakEvaluators,
  weakExportSource,
  weakSeed,
  weakTest,
  weakTestLoader,
  weakTrainLoader,
} from './weak-services.ts';

/** What a DefaultTrainer takes besides its config. */
export interface DefaultTrainerOptions {
  /**
   * Plugins and presets. A list is added to the plugins of `buildPlugins`, of which those give way that it has itself or
   * leaves out: a preset that extends the default one stands in its place. A function lists what is there in the place
   * of the default preset, which it is given; what the config asks for, such as gradient clipping, is added to that too.
   * A key that is written in the config holds over the options that are given here. Default none.
   */
  readonly plugins?: readonly PluginInput[] | ((defaults: Preset) => readonly PluginInput[]);
  /** Services of one's own: `provide(ref, ...)`, `replace(ref, ...)`. Default none. */
  readonly services?: readonly Provider[];
  /** Default: a console logger. */
  readonly logger?: Logger;
}

const OPTIONS = { plugins: true, services: true, logger: true } satisfies OptionNames<DefaultTrainerOptions>;

/**
 * A trainer from one typed config, with detectron2's defaults (its DefaultTrainer).
 *
 * Override a `build*` method to make a part otherwise. Each of them is the factory of a service, so that a plugin can
 * `replace` the same part.
 *
 * @example
 * class DigitsTrainer extends DefaultTrainer {
 *   override buildModel() { return layersModel(makeNet(), { loss }); }
 *   override buildTrainLoader({ solver: { batchSize } }: BaseConfig) {
 *     return new ArrayLoader(train, { batchSize, shuffle: true, repeat: true });
 *   }
 * }
 * await new DigitsTrainer(defineConfig({ solver: { maxIterations: 700, warmupIterations: 50 } }).resolve()).train();
 */
export class DefaultTrainer<C extends BaseConfig = BaseConfig> extends SimpleTrainer {
  #config: C;
  #hasEnd = false;
  readonly #scale: string | undefined;
  readonly #plugins: DefaultTrainerOptions['plugins'];
  /** Whether the training data have been read, or never will be. */
  #trainData: 'later' | 'read' | 'never' = 'later';

  /** @throws HooklineError `HKL_CONFIG_INVALID` for what is no complete config, `HKL_OPTION_UNKNOWN` */
  constructor(config: C, options: DefaultTrainerOptions = {}) {
    assertConfig(config);
    assertKnownOptions('DefaultTrainer', options, OPTIONS);
    const scaled = autoScale(config);
    const { solver, seed, output, writers } = scaled;
    const { plugins, ...others } = options;
    super({
      ...others,
      seed,
      output,
      maxIterations: solver.maxIterations,
      metricsPeriod: writers.metricsPeriod,
      // Replaced by runtimeOptions() below, which may use `this`.
      model: () => this.buildModel(this.config),
      optimizer: (model) => this.buildOptimizer(this.config, model),
    });
    this.#config = scaled;
    this.#scale = describeScale(config, scaled);
    this.#plugins = plugins;
  }

  /** The complete config; what `DefaultTrainer.adaptConfig` chooses is in it once the trainer is prepared. */
  get config(): C {
    return this.#config;
  }

  /**
   * Values that data and device decide, chosen once, before anything is made of the config: a subclass overrides it. They
   * are those of keys that nobody has written; `isWritten(key)` tells. The end of the training may be among them.
   *
   * @returns the values that differ, by section; none by default
   */
  protected adaptConfig(
    _config: C,
    _isWritten: (key: string) => boolean,
  ): ConfigPart<C> | Promise<ConfigPart<C> | undefined> | undefined {
    return undefined;
  }

  /** The model. There is no default. */
  buildModel(_config: C): TrainableModel | Promise<TrainableModel> {
    throw missing('buildModel');
  }

  /** The optimizer of `config.solver`. */
  buildOptimizer(config: C, model: TrainableModel): Optimizer {
    return buildOptimizer(config, model);
  }

  /** The learning-rate schedule of `config.solver`. */
  buildLrScheduler(config: C): Schedule {
    return scheduleFromConfig(config.solver);
  }

  /** The batches of training. There is no default. */
  buildTrainLoader(_config: C): DataSource | Promise<DataSource> {
    throw missing('buildTrainLoader');
  }

  /** The batches of one of `config.datasets.test`. There is no default: without it nothing is evaluated. */
  buildTestLoader(_config: C, _dataset: string): DataSource | Promise<DataSource> {
    throw missing('buildTestLoader');
  }

  /**
   * The evaluator, or several, of one of `config.datasets.test`; undefined leaves it out.
   *
   * @param _folder for files about the evaluation, `OUTPUT/inference/NAME`; whoever writes there makes it
   */
  buildEvaluator(_config: C, _dataset: string, _folder: string): MadeEvaluators | Promise<MadeEvaluators> {
    return undefined;
  }

  /**
   * What `export.json` shall say of the model in `details`, such as `{ classNames }`, and what its `predict` takes in `inputs`.
   * Without `inputs`, the model is written with what it takes of a batch of the test data, or else of the training data.
   */
  buildExport(_config: C): ExportSource | Promise<ExportSource> {
    return {};
  }

  /** What `exportModel` needs to know of the model: that of `buildExport`, with a batch where it names no inputs. */
  async exportSource(): Promise<ExportSource> {
    const source = await this.buildExport(this.config);
    if (source.inputs !== undefined || source.example !== undefined) return source;
    const example = await exampleBatch([
      ...this.config.datasets.test.slice(0, 1).map((name) => async () => this.buildTestLoader(this.config, name)),
      async () => this.buildTrainLoader(this.config),
    ]);
    return example === undefined ? source : { ...source, example };
  }

  /** What results and files of one of `config.datasets.test` are called. */
  datasetName(dataset: string): string {
    return dataset;
  }

  /**
   * detectron2's default hooks as a preset, with the options of the config. What is written in the config holds in any
   * case, also over what a method that overrides this one gives its plugins; see {@link DefaultTrainer.pluginConfig}.
   */
  buildPreset(config: C): Preset {
    return buildPreset(this.#saysOf(config));
  }

  /** All plugins (detectron2's build_hooks): the preset and those that the config asks for. */
  buildPlugins(config: C): readonly PluginInput[] {
    const says = this.#saysOf(config);
    const accumulation = says['@hookline/plugin-gradient-accumulation'];
    const scaling = says['@hookline/plugin-loss-scaling'];
    const clipping = says['@hookline/plugin-gradient-clipping'];
    const averaging = says['@hookline/plugin-ema'];
    const reduction = says['@hookline/plugin-reduce-on-plateau'];
    const limit = says['@hookline/plugin-time-limit'];
    return [
      this.buildPreset(config),
      accumulation.asked.isWanted && gradientAccumulation(optionsOf(accumulation)),
      scaling.asked.isWanted && lossScaling(optionsOf(scaling)),
      clipping.asked.isWanted && gradientClipping(optionsOf(clipping)),
      averaging.asked.isWanted && ema(optionsOf(averaging)),
      reduction.asked.isWanted && reduceOnPlateau(optionsOf(reduction)),
      limit.asked.isWanted && timeLimit(optionsOf(limit)),
      config.writers.plots && plots(),
      ...this.rankPlugins(),
    ];
  }

  /** In a single process the plugin does nothing; it is there for a key of the config that is its. */
  protected override rankPlugins(): readonly PluginInput[] {
    return this.config.model.syncBatchNorm ? [dataParallel()] : super.rankPlugins();
  }

  /** The config as plugins are given it. A subclass may say a value otherwise here, such as the full name of a metric. */
  protected pluginConfig(config: C): C {
    return config;
  }

  /**
   * Evaluates on every test data set with an evaluator.
   *
   * @returns one record of results per data set; that of a single data set is unwrapped
   */
  async test(): Promise<Results> {
    const model = await this.service(modelRef);
    const makeLoader = await this.service(testLoaderRef);
    const makeEvaluators = await this.service(evaluatorsRef);
    const results: Record<string, Results> = {};
    const { test: datasets } = this.config.datasets;
    for (const dataset of datasets) {
      const evaluators = await makeEvaluators(dataset);
      if (evaluators.length === 0) continue;
      const name = this.datasetName(dataset);
      const found = await inferenceOnDataset(model, await makeLoader(dataset), evaluators, { logger: this.logger });
      if (datasets.length > 1) this.logger.info(`results on ${name}:`);
      printCsvFormat(found, (line) => this.logger.info(line));
      results[name] = found;
    }
    const [only] = Object.values(results);
    return datasets.length === 1 && only !== undefined ? only : results;
  }

  /** Trains, and compares the last results with `config.test.expectedResults` where there are any. */
  override async train(options: { readonly maxIterations?: number } = {}): Promise<TrainResult> {
    if (this.#trainData === 'never') throw unreadDataError();
    if (this.#scale !== undefined) this.logger.info(this.#scale);
    if (options.maxIterations !== undefined) this.#hasEnd = true;
    const result = await super.train(options);
    const { expectedResults } = this.config.test;
    if (expectedResults.length > 0 && result.status === 'completed')
      verifyResults(result.results ?? {}, expectedResults);
    return result;
  }

  /** Goes on with the run in the output folder, or begins with `config.model.weights`. */
  override resumeOrLoad({
    resume = true,
    weights = this.config.model.weights,
    ...options
  }: ResumeOptions = {}): Promise<string | undefined> {
    return super.resumeOrLoad({ ...options, resume, ...(weights === '' ? {} : { weights }) });
  }

  protected override async settle(): Promise<void> {
    const before = this.#config;
    const part = await this.adaptConfig(before, (key) => isWritten(before, key));
    if (part === undefined) return;
    this.#config = copyWritten(before, layOver(before, part) as C);
    if (!this.#hasEnd) this.endAt(this.#config.solver.maxIterations);
  }

  /**
   * Loads a checkpoint to predict or evaluate with. The training data are not read, where that has not been done, so that
   * they need not be there; this trainer trains no more.
   *
   * @param options.allowMismatch as for `load`
   * @throws HooklineError what `load` raises; `HKL_DATA_UNREAD` from a training afterwards
   */
  async loadForInference(path: string, options: Pick<LoadOptions, 'allowMismatch'> = {}): Promise<void> {
    assertKnownOptions('loadForInference', options, { allowMismatch: true });
    if (this.#trainData === 'later') this.#trainData = 'never';
    await this.load(path, options);
  }

  protected override deviceRequest(): DeviceRequest {
    return this.config.device;
  }

  protected override runtimeOptions(): TfjsRuntimeOptions {
    const { capture, precision } = this.config;
    return {
      model: () => this.buildModel(this.config),
      optimizer: (model) => this.buildOptimizer(this.config, model),
      loadData: () => {
        if (this.#trainData === 'never') return unreadData;
        this.#trainData = 'read';
        return this.buildTrainLoader(this.config);
      },
      capture,
      precision,
    };
  }

  protected override builtinServices(): readonly Provider[] {
    return [
      ...super.builtinServices(),
      provide(configRef, () => this.config),
      provide(lrScheduleRef, () => this.buildLrScheduler(this.config)),
      provide(testLoaderRef, () => weakTestLoader(new WeakRef(this))),
      provide(evaluatorsRef, () => weakEvaluators(new WeakRef(this))),
      provide(exportSourceRef, () => weakExportSource(new WeakRef(this))),
    ];
  }

  protected override builtinPlugins(): readonly PluginInput[] {
    return [
      ...super.builtinPlugins(),
      configFile({ seed: weakSeed(new WeakRef(this)) }),
      testPlugin({ test: weakTest(new WeakRef(this)) }),
    ];
  }

  protected override resolvePlugins(builtin: readonly PluginInput[]): readonly PluginEntry[] {
    const { config, logger } = this;
    const plugins = this.#saysOf(config);
    const own = this.buildPlugins(config);
    const given = this.#plugins ?? [];
    const isList = typeof given !== 'function';
    const entries = resolvePlugins(isList ? given : given(this.buildPreset(config)), [
      { addedBy: 'trainer', inputs: builtin },
      {
        addedBy: 'trainer',
        inputs: isList ? own : besidesPreset(own, this.buildPreset(config), plugins),
        isDefault: true,
      },
    ]);
    // A schedule that is written as a method is as good as one that is written in the config.
    const hasSchedule = this.buildLrScheduler !== DefaultTrainer.prototype.buildLrScheduler;
    const written = (key: string): boolean => isWritten(config, key) || (hasSchedule && key === 'solver.lrSchedule');
    return applyConfig(entries, { config, plugins, isWritten: written, logger });
  }

  #saysOf(config: C): ReturnType<typeof configOfPlugins> {
    return configOfPlugins(this.pluginConfig(config), weakTrainLoader(new WeakRef(this)));
  }
}

/** Of a trainer's plugins, those that are there also where a list stands in the place of its preset. */
function besidesPreset(
  own: readonly PluginInput[],
  preset: Preset,
  says: Readonly<Record<string, PluginConfig>>,
): readonly PluginInput[] {
  const held = new Set(resolvePlugins([preset]).map(({ plugin }) => plugin.id));
  return resolvePlugins(own)
    .map(({ plugin }) => plugin)
    .filter(({ id }) => !held.has(id) || says[id]?.asked !== undefined);
}

function assertConfig(config: unknown): void {
  const { solver, resolve } = (config ?? {}) as { readonly solver?: unknown; readonly resolve?: unknown };
  if (typeof solver === 'object' && solver !== null) return;
  throw new HooklineError('HKL_CONFIG_INVALID', 'the first argument is no complete config', {
    who: 'DefaultTrainer',
    fix: `Give ${typeof resolve === 'function' ? 'what its resolve() returns' : 'defineConfig({...}).resolve()'}`,
  });
}

function missing(method: string): HooklineError {
  return new HooklineError('HKL_BUILD_MISSING', `${method} is not written`, {
    who: 'DefaultTrainer',
    fix: `Override ${method}(config), or give ${method} to defineTrainer({...})`,
  });
}
