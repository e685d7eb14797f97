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
   * What to train on. Default: what the program has chosen, by `selectDevice` or `tf.setBackend`; where it has chosen nothing, or
   * tfjs's own JavaScript backend, which is hundreds of times slower, as `auto`.
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
  readonly #parts: SimpleTrainerOptions;
  #runtime: TfjsRuntime | undefined;
  #settling: Promise<void> | undefined;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option, and what TrainerBase raises */
  constructor(options: SimpleTrainerOptions) {
    assertKnownOptions('SimpleTrainer', options, OPTIONS);
    super(pickOptions(options, TRAINER_OPTIONS));
    this.#parts = options;
  }

  /** What the training is made of; a subclass may make it otherwise. */
  protected runtimeOptions(): TfjsRuntimeOptions {
    return this.#parts;
  }

  /** The device to train on; undefined leaves tfjs's backend as it is. */
  protected deviceRequest(): DeviceRequest | undefined {
    return this.#parts.device ?? (usesSlowBackend() ? 'auto' : undefined);
  }

  protected override builtinServices(): readonly Provider[] {
    return this.#tfjs().services;
  }

  protected override builtinPlugins(): readonly PluginInput[] {
    return this.#tfjs().plugins;
  }

  /** Plugins that give way to what the user lists. */
  protected override resolvePlugins(
    builtin: readonly PluginInput[],
    listed: readonly PluginInput[],
  ): readonly PluginEntry[] {
    return resolvePlugins(listed, [
      { addedBy: 'trainer', inputs: builtin },
      { addedBy: 'trainer', inputs: [...this.#epochPlugins(), ...this.rankPlugins()], isDefault: true },
    ]);
  }

  /** Whoever counts in epochs sees them. */
  #epochPlugins(): readonly PluginInput[] {
    return this.#parts.maxEpochs === undefined ? [] : [epochs()];
  }

  /** What a training on several processes needs; none in a single one. */
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

  /** Called once, when the device is chosen and before anything is made: a subclass decides here what data or device decide. */
  protected async settle(): Promise<void> {
    // Everything is settled by the options.
  }

  /**
   * Ends the trainer and frees what it holds on the device: with the services the optimizer's slots and the step's
   * variables, and, where the trainer made it, the model. tfjs keeps every variable until it is disposed of, so a program
   * that trains many times calls this.
   */
  override async dispose(): Promise<void> {
    try {
      await super.dispose();
    } finally {
      // Where preparing failed, it may never have been made.
      const model = this.madeService(modelRef);
      // Whoever has predicted after the training has captured graphs anew.
      if (model !== undefined) predictorOf(model)?.close();
      if (model !== undefined && typeof this.runtimeOptions().model === 'function')
        for (const variable of modelVariables(model).values()) variable.dispose();
    }
  }

  #tfjs(): TfjsRuntime {
    // An end after several epochs asks for the data several times.
    const options = { ...(this.#parts.maxEpochs === undefined ? {} : { repeat: true }), ...this.runtimeOptions() };
    return (this.#runtime ??= tfjsRuntime(pickOptions(options, TFJS_RUNTIME_OPTIONS)));
  }
}
