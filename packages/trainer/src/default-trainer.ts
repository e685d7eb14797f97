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
  type TrainOptions,
  type TrainResult,
} from '@hookline/core';
import { inferenceOnDataset, printCsvFormat, verifyResults } from '@hookline/plugin-evaluator';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { ema } from '@hookline/plugin-ema';
import { epochs } from '@hookline/plugin-epochs';
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
import { type ConfigValues, mergeConfig } from './config/merge-config.ts';
import { copyWritten, isWritten } from './config/written-keys.ts';
import { exampleBatch } from './example-batch.ts';
import { explainMisfit } from './explain-misfit.ts';
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

/** The options of a DefaultTrainer in addition to its config. */
export interface DefaultTrainerOptions {
  /**
   * Plugins and presets. A list is added to the plugins of `buildPlugins`, except for those that the list contains itself or
   * removes; a preset that extends the default one replaces it. A function receives the default preset and returns the list that
   * replaces it; plugins that the config asks for, such as gradient clipping, are still added.
   * Config keys that were set explicitly override the options that are given here. Default: none.
   */
  readonly plugins?: readonly PluginInput[] | ((defaults: Preset) => readonly PluginInput[]);
  /** Your own services: `provide(ref, ...)`, `replace(ref, ...)`. Default: none. */
  readonly services?: readonly Provider[];
  /** Default: a console logger. */
  readonly logger?: Logger;
}

const OPTIONS = { plugins: true, services: true, logger: true } satisfies OptionNames<DefaultTrainerOptions>;

/**
 * A trainer that is built from one typed config, with detectron2's defaults (detectron2's DefaultTrainer).
 *
 * Override a `build*` method to change a part. Each of these methods is the factory of a service, so a plugin can
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
  /** Whether the training data have been read or must not be read any more. */
  #trainData: 'later' | 'read' | 'never' = 'later';

  /** @throws HooklineError `HKL_CONFIG_INVALID` if `config` is not a complete config, `HKL_OPTION_UNKNOWN` for a misspelt option */
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
      ...(solver.maxEpochs > 0 ? { maxEpochs: solver.maxEpochs } : { maxIterations: solver.maxIterations }),
      metricsPeriod: writers.metricsPeriod,
      // runtimeOptions() below, which may use `this`, replaces these.
      model: () => this.buildModel(this.config),
      optimizer: (model) => this.buildOptimizer(this.config, model),
    });
    this.#config = scaled;
    this.#scale = describeScale(config, scaled);
    this.#plugins = plugins;
  }

  /** The complete config. Once the trainer is prepared, it includes the choices of `DefaultTrainer.adaptConfig`. */
  get config(): C {
    return this.#config;
  }

  /**
   * Chooses values that depend on the data and the device. A subclass overrides this method; it is called once, before anything is built from the
   * config. It should only choose keys that were not set explicitly, which `isWritten(key)` tells. It may also choose the length of the training.
   *
   * @returns the changed values, by section; none by default
   */
  protected adaptConfig(
    _config: C,
    _isWritten: (key: string) => boolean,
  ): ConfigValues<C> | Promise<ConfigValues<C> | undefined> | undefined {
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

  /** The batches of one of `config.datasets.test`. There is no default; without it, nothing is evaluated. */
  buildTestLoader(_config: C, _dataset: string): DataSource | Promise<DataSource> {
    throw missing('buildTestLoader');
  }

  /**
   * The evaluator or evaluators of one of `config.datasets.test`; undefined skips the data set.
   *
   * @param _folder folder for files of the evaluation, `OUTPUT/inference/NAME`. It does not exist yet; create it before writing
   */
  buildEvaluator(_config: C, _dataset: string, _folder: string): MadeEvaluators | Promise<MadeEvaluators> {
    return undefined;
  }

  /**
   * Describes the model for `hookline export`: `details`, such as `{ classNames }`, are written to `export.json`, and `inputs` describes the argument of `predict`.
   * Without `inputs`, the model is recorded with a batch of the test data or, if there are none, of the training data.
   */
  buildExport(_config: C): ExportSource | Promise<ExportSource> {
    return {};
  }

  /** The arguments of `exportModel` for this model: the result of `buildExport`, with a batch if that has no inputs. */
  async exportSource(): Promise<ExportSource> {
    const source = await this.buildExport(this.config);
    if (source.inputs !== undefined || source.example !== undefined) return source;
    const example = await exampleBatch([
      ...this.config.datasets.test.slice(0, 1).map((name) => async () => this.buildTestLoader(this.config, name)),
      async () => this.buildTrainLoader(this.config),
    ]);
    return example === undefined ? source : { ...source, example };
  }

  /** The name of one of `config.datasets.test` in results and files. */
  datasetName(dataset: string): string {
    return dataset;
  }

  /**
   * detectron2's default hooks as a preset, with the options of the config. Explicitly set config keys always apply, even over the options
   * in a method that overrides this one; see {@link DefaultTrainer.pluginConfig}.
   */
  buildPreset(config: C): Preset {
    return buildPreset(this.#pluginSettings(config));
  }

  /** All plugins (detectron2's build_hooks): the preset and those that the config asks for. */
  buildPlugins(config: C): readonly PluginInput[] {
    const settings = this.#pluginSettings(config);
    const accumulation = settings['@hookline/plugin-gradient-accumulation'];
    const scaling = settings['@hookline/plugin-loss-scaling'];
    const clipping = settings['@hookline/plugin-gradient-clipping'];
    const averaging = settings['@hookline/plugin-ema'];
    const reduction = settings['@hookline/plugin-reduce-on-plateau'];
    const limit = settings['@hookline/plugin-time-limit'];
    const inEpochs = settings['@hookline/plugin-epochs'];
    return [
      this.buildPreset(config),
      accumulation.toggle.isOn && gradientAccumulation(optionsOf(accumulation)),
      scaling.toggle.isOn && lossScaling(optionsOf(scaling)),
      clipping.toggle.isOn && gradientClipping(optionsOf(clipping)),
      averaging.toggle.isOn && ema(optionsOf(averaging)),
      reduction.toggle.isOn && reduceOnPlateau(optionsOf(reduction)),
      limit.toggle.isOn && timeLimit(optionsOf(limit)),
      inEpochs.toggle.isOn && epochs(),
      config.writers.plots && plots(),
      ...this.rankPlugins(),
    ];
  }

  /** In a single process this plugin does nothing; it is listed because a config key belongs to it. */
  protected override rankPlugins(): readonly PluginInput[] {
    return this.config.model.syncBatchNorm ? [dataParallel()] : super.rankPlugins();
  }

  /** The config from which plugin options are taken. A subclass may change values here, for example to the full name of a metric. */
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

  /** Trains, and compares the last results with `config.test.expectedResults`, if set. */
  override async train(options: TrainOptions = {}): Promise<TrainResult> {
    if (this.#trainData === 'never') throw unreadDataError();
    if (this.#scale !== undefined) this.logger.info(this.#scale);
    if (Object.values(options).some((end) => end !== undefined)) this.#hasEnd = true;
    const result = await super.train(options);
    const { expectedResults } = this.config.test;
    if (expectedResults.length > 0 && result.status === 'completed')
      verifyResults(result.results ?? {}, expectedResults);
    return result;
  }

  /** Resumes the run in the output folder, or starts from `config.model.weights`. */
  override resumeOrLoad({
    resume = true,
    weights = this.config.model.weights,
    ...options
  }: ResumeOptions = {}): Promise<string | undefined> {
    const loading = super.resumeOrLoad({ ...options, resume, ...(weights === '' ? {} : { weights }) });
    return explainMisfit(loading, 'weights', weights, this);
  }

  protected override async settle(): Promise<void> {
    const before = this.#config;
    const values = await this.adaptConfig(before, (key) => isWritten(before, key));
    if (values === undefined) return;
    this.#config = copyWritten(before, mergeConfig(before, values) as C);
    if (!this.#hasEnd && this.#config.solver.maxEpochs === 0) this.endAt(this.#config.solver.maxIterations);
  }

  /**
   * Loads a checkpoint for prediction or evaluation. If the training data have not been read yet, they never are, so
   * they need not exist; this trainer can then no longer train.
   *
   * @param options.allowMismatch as for `load`
   * @throws HooklineError the errors of `load`, `HKL_STATE_MISMATCH` for another model. A later `train()` throws `HKL_DATA_UNREAD`
   */
  async loadForInference(path: string, options: Pick<LoadOptions, 'allowMismatch'> = {}): Promise<void> {
    assertKnownOptions('loadForInference', options, { allowMismatch: true });
    if (this.#trainData === 'later') this.#trainData = 'never';
    await explainMisfit(this.load(path, { ...options, scope: 'inference' }), 'inference', path, this);
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
    const plugins = this.#pluginSettings(config);
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
    // A schedule from a method counts like one that is set in the config.
    const hasSchedule = this.buildLrScheduler !== DefaultTrainer.prototype.buildLrScheduler;
    const written = (key: string): boolean => isWritten(config, key) || (hasSchedule && key === 'solver.lrSchedule');
    return applyConfig(entries, { config, plugins, isWritten: written, logger });
  }

  #pluginSettings(config: C): ReturnType<typeof configOfPlugins> {
    return configOfPlugins(this.pluginConfig(config), weakTrainLoader(new WeakRef(this)));
  }
}

/** The plugins of a trainer that are kept if a list replaces its preset. */
function besidesPreset(
  own: readonly PluginInput[],
  preset: Preset,
  settings: Readonly<Record<string, PluginConfig>>,
): readonly PluginInput[] {
  const held = new Set(resolvePlugins([preset]).map(({ plugin }) => plugin.id));
  return resolvePlugins(own)
    .map(({ plugin }) => plugin)
    .filter(({ id }) => !held.has(id) || settings[id]?.toggle !== undefined);
}

function assertConfig(config: unknown): void {
  const { solver, resolve } = (config ?? {}) as { readonly solver?: unknown; readonly resolve?: unknown };
  if (typeof solver === 'object' && solver !== null) return;
  throw new HooklineError('HKL_CONFIG_INVALID', 'the first argument is not a complete config', {
    who: 'DefaultTrainer',
    fix: `Give ${typeof resolve === 'function' ? 'the result of its resolve()' : 'defineConfig({...}).resolve()'}`,
  });
}

function missing(method: string): HooklineError {
  return new HooklineError('HKL_BUILD_MISSING', `${method} is not written`, {
    who: 'DefaultTrainer',
    fix: `Override ${method}(config), or give ${method} to defineTrainer({...})`,
  });
}
