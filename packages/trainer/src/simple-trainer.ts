import {
  assertKnownOptions,
  communicator,
  type OptionNames,
  pickOptions,
  type PluginEntry,
  type PluginInput,
  type Provider,
  resolvePlugins,
  TRAINER_OPTIONS,
  TrainerBase,
  type TrainerOptions,
} from '@hookline/core';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { epochs } from '@hookline/plugin-epochs';
import {
  type DeviceRequest,
  joinRanks,
  modelRef,
  modelVariables,
  predictorOf,
  selectDevice,
  TFJS_RUNTIME_OPTIONS,
  type TfjsRuntime,
  tfjsRuntime,
  type TfjsRuntimeOptions,
  usesSlowBackend,
} from '@hookline/tfjs';

/** Options of {@link SimpleTrainer}. */
export interface SimpleTrainerOptions extends TrainerOptions, TfjsRuntimeOptions {
  /**
   * The device to train on. Default: the one that the program has selected by `selectDevice` or `tf.setBackend`. If it has selected none, or
   * TensorFlow.js's own JavaScript backend, which is hundreds of times slower, the default is `auto`.
   */
  readonly device?: DeviceRequest;
}

const OPTIONS = {
  ...TRAINER_OPTIONS,
  ...TFJS_RUNTIME_OPTIONS,
  device: true,
} satisfies OptionNames<SimpleTrainerOptions>;

/**
 * Trains a model on data with an optimizer (detectron2's SimpleTrainer).
 *
 * @example
 * const trainer = new SimpleTrainer({
 *   device: 'auto', maxIterations: 1000, seed: 1,
 *   model: () => layersModel(makeNet(), { loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(y, logits) }),
 *   optimizer: (model) => sgd(model, { learningRate: 0.1, momentum: 0.9 }),
 *   data: new ArrayLoader({ x, y }, { batchSize: 32, shuffle: true, repeat: true }),
 *   plugins: [presetDefault()],
 * });
 * await trainer.train();
 */
export class SimpleTrainer extends TrainerBase {
  readonly #options: SimpleTrainerOptions;
  #runtime: TfjsRuntime | undefined;
  #settling: Promise<void> | undefined;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option, and the errors of TrainerBase */
  constructor(options: SimpleTrainerOptions) {
    assertKnownOptions('SimpleTrainer', options, OPTIONS);
    super(pickOptions(options, TRAINER_OPTIONS));
    this.#options = options;
  }

  /** The model, data, optimizer and other parts of the training; a subclass may build them differently. */
  protected runtimeOptions(): TfjsRuntimeOptions {
    return this.#options;
  }

  /** The device to train on; undefined leaves tfjs's backend as it is. */
  protected deviceRequest(): DeviceRequest | undefined {
    return this.#options.device ?? (usesSlowBackend() ? 'auto' : undefined);
  }

  protected override builtinServices(): readonly Provider[] {
    return this.#tfjs().services;
  }

  protected override builtinPlugins(): readonly PluginInput[] {
    return this.#tfjs().plugins;
  }

  /** Resolves the plugins. Those that count epochs or connect ranks are defaults: they are dropped if the user lists the same ones. */
  protected override resolvePlugins(
    builtin: readonly PluginInput[],
    listed: readonly PluginInput[],
  ): readonly PluginEntry[] {
    return resolvePlugins(listed, [
      { addedBy: 'trainer', inputs: builtin },
      { addedBy: 'trainer', inputs: [...this.#epochPlugins(), ...this.rankPlugins()], isDefault: true },
    ]);
  }

  /** Shows epochs to users who count in epochs. */
  #epochPlugins(): readonly PluginInput[] {
    return this.#options.maxEpochs === undefined ? [] : [epochs()];
  }

  /** The plugins that training on several processes needs; none in a single process. */
  protected rankPlugins(): readonly PluginInput[] {
    return communicator().size > 1 ? [dataParallel()] : [];
  }

  override async prepare(): Promise<void> {
    await joinRanks();
    const request = this.deviceRequest();
    if (request !== undefined) {
      const device = await selectDevice(request);
      if (this.#runtime === undefined && this.#settling === undefined) this.logger.info(device.describe());
    }
    await (this.#settling ??= this.settle());
    await super.prepare();
  }

  /** Called once, after the device is selected and before anything is built. A subclass chooses values here that depend on data or device. */
  protected async settle(): Promise<void> {
    // The options already determine everything.
  }

  /**
   * Disposes of the trainer and frees its device memory: the services, the optimizer's slots, the step's
   * variables, and the model if the trainer made it. TensorFlow.js keeps every variable until it is disposed of, so a program
   * that trains many times should call this.
   */
  override async dispose(): Promise<void> {
    try {
      await super.dispose();
    } finally {
      // If the preparation failed, the model may not exist.
      const model = this.madeService(modelRef);
      // Predictions after the training have captured new graphs.
      if (model !== undefined) predictorOf(model)?.close();
      if (model !== undefined && typeof this.runtimeOptions().model === 'function')
        for (const variable of modelVariables(model).values()) variable.dispose();
    }
  }

  #tfjs(): TfjsRuntime {
    // A training of several epochs iterates the data several times.
    const options = { ...(this.#options.maxEpochs === undefined ? {} : { repeat: true }), ...this.runtimeOptions() };
    return (this.#runtime ??= tfjsRuntime(pickOptions(options, TFJS_RUNTIME_OPTIONS)));
  }
}
