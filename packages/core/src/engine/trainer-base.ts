import { provide, type Provider } from '../container/provider.ts';
import type { AnyServiceRef, Service } from '../container/service-ref.ts';
import { HookSet } from '../hooks/hook-set.ts';
import { HookSite } from '../hooks/hook-site.ts';
import { type EngineHookSet, HOOK_TABLE, type Outcome, type Results } from '../hooks/hook-table.ts';
import { assertKnownOptions } from '../known-options.ts';
import { PluginSet } from '../plugin/plugin-set.ts';
import type { PluginInput } from '../preset/preset.ts';
import type { PluginEntry } from '../plugin/plugin.ts';
import { resolvePlugins } from '../preset/resolve-plugins.ts';
import { RandomStreams } from '../random/random-streams.ts';
import { BackgroundQueues } from '../services/background-queues.ts';
import { communicator, type Communicator, drawSeed, singleProcess } from '../services/communicator.ts';
import type { Checkpoints } from '../services/checkpoints.ts';
import { RunControl } from '../services/control.ts';
import { checkpointsRef, evaluationRef, stepRunnerRef } from '../services/core-services.ts';
import { HookEvaluation } from '../services/evaluation.ts';
import { ConsoleLogger, type Logger } from '../services/logger.ts';
import { DiskOutputFolder } from '../services/output-folder.ts';
import { onFirstRank } from '../services/ranks.ts';
import type { TrainerView } from '../services/trainer-handle.ts';
import { assertSameRun } from '../save-load/compare-ranks.ts';
import type { LoadOptions, LoadScope } from '../checkpoint/checkpoint.ts';
import { DiskCheckpoints } from '../save-load/checkpoints.ts';
import { tapEngineState } from '../save-load/engine-state.ts';
import { EventStorage } from '../events/event-storage.ts';
import type { StepRunner } from '../step-runner.ts';
import { throwAll } from '../throw-all.ts';
import { Agreement } from './agreement.ts';
import { coreProviders } from './core-providers.ts';
import { describeTrainer, type TrainerDescription } from './describe-trainer.ts';
import { asRunner } from './function-runner.ts';
import { watchRun } from './watch-run.ts';
import { holdOutput } from './hold-output.ts';
import { LivePlugins } from './live-plugins.ts';
import { runLoop } from './loop.ts';
import { RunState } from './run-state.ts';
import { startComm, startServices } from './start-services.ts';
import { epochLengthOf, stepRunnerOf } from './step-runner-service.ts';
import { closeTraining } from './close-training.ts';
import { tearDown } from './tear-down.ts';
import * as check from './trainer-checks.ts';
import type { ResumeOptions, TrainerBaseOptions, TrainerOptions, TrainOptions } from './trainer-options.ts';

/** How a training ended, with the results of the last evaluation where there was one. */
export interface TrainResult extends Outcome {
  readonly results?: Results;
}

/**
 * Holds the communicator of a trainer in an object of its own, so that functions which use it do not keep the trainer
 * alive.
 */
interface Ranks {
  comm: Communicator;
}

/** The longest time that a timer of Node takes, in milliseconds. A longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

const commOf = (ranks: Ranks) => (): Communicator => ranks.comm;

/**
 * The bare trainer: the loop, its hooks, plugins and services, and a step of the user's own.
 *
 * Nothing is made before {@link TrainerBase.prepare}, which `train`, `load` and `describe` call by themselves; so bad
 * plugins, options and services are found before the first step. `train` may be called again, with a later end; plugins
 * are then set up anew and keep their state.
 *
 * @example
 * const trainer = new TrainerBase({ maxIterations: 100, step: ({ iteration }) => 1 / (iteration + 1) });
 * const { status } = await trainer.train();
 */
export class TrainerBase implements TrainerView {
  readonly storage: EventStorage = new EventStorage();
  readonly random: RandomStreams;
  readonly logger: Logger;
  readonly #options: TrainerOptions;
  readonly #step: TrainerBaseOptions['step'];
  readonly #timeout: number;
  readonly #site = new HookSite();
  readonly #run: RunState;
  readonly #control = new RunControl();
  readonly #output: DiskOutputFolder;
  readonly #hooks: EngineHookSet = new HookSet('hookline', HOOK_TABLE, this.#site);
  /** The communicator; that of the ranks once the services are started. */
  readonly #ranks: Ranks = { comm: singleProcess };
  readonly #evaluation = new HookEvaluation(this.#hooks, commOf(this.#ranks));
  readonly #checkpoints: DiskCheckpoints;
  readonly #background: BackgroundQueues;
  #set: PluginSet | undefined;
  #servicesUp = false;
  #preparing: Promise<void> | undefined;
  readonly #plugins = new LivePlugins();
  #runner: StepRunner | undefined;
  #training = false;
  #disposed = false;

  /** @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option, `HKL_OPTION_INVALID`, `HKL_RANDOM_SEED` */
  constructor(options: TrainerBaseOptions) {
    check.assertTrainerOptions(options);
    this.#options = options;
    this.#step = options.step;
    this.#timeout = Math.min(options.disposeTimeout ?? 30_000, LONGEST_TIMER);
    this.logger = options.logger ?? new ConsoleLogger();
    this.random = new RandomStreams(options.seed === undefined || options.seed < 0 ? drawSeed() : options.seed);
    this.#run = new RunState(check.endOf(options), this.storage, this.#site);
    this.#run.iteration = options.startIteration ?? 0;
    this.#background = new BackgroundQueues({
      logger: this.logger,
      control: this.#control,
      waits: this.#site.waits,
    });
    this.#output = new DiskOutputFolder(options.output ?? 'output');
    const run = this.#run;
    this.#checkpoints = new DiskCheckpoints(
      this.#hooks,
      this.#output,
      () => run.done,
      this.logger,
      commOf(this.#ranks),
    );
  }

  get iteration(): number {
    return this.#run.iteration;
  }

  get startIteration(): number {
    return this.#run.startIteration;
  }

  get maxIterations(): number {
    return this.#run.maxIterations;
  }

  /**
   * Sets the iteration at which training ends, for a subclass that computes it while it is prepared. @throws
   * HooklineError `HKL_OPTION_INVALID`
   */
  protected endAt(maxIterations: number): void {
    this.#run.end = check.assertCount('maxIterations', maxIterations);
  }

  /** Absolute path of the run's folder; the folder exists once something is written into it. */
  get outputDir(): string {
    return this.#output.dir;
  }

  /** Saving and loading; the trainer must be prepared. */
  get checkpoints(): Checkpoints {
    return this.#checkpoints;
  }

  /** Requests a graceful end of the training. May be called before the first step. */
  stop(reason = 'stop requested'): void {
    this.#control.stop(reason);
  }

  /** Plugins that a subclass adds, in front of the user's. */
  protected builtinPlugins(): readonly PluginInput[] | Promise<readonly PluginInput[]> {
    return [];
  }

  /**
   * Resolves the plugins into one list, each with who added it. A subclass may have defaults that the listed plugins
   * override.
   *
   * @param builtin those of {@link builtinPlugins}
   * @param listed the plugins of the options
   */
  protected resolvePlugins(builtin: readonly PluginInput[], listed: readonly PluginInput[]): readonly PluginEntry[] {
    return resolvePlugins(listed, [{ addedBy: 'trainer', inputs: builtin }]);
  }

  /** Services that a subclass provides. */
  protected builtinServices(): readonly Provider[] {
    return this.#step === undefined ? [] : [provide(stepRunnerRef, () => asRunner(this.#step))];
  }

  /**
   * Makes the services and sets the plugins up. Does nothing where that is done already.
   *
   * @throws HooklineError for whatever does not fit together, `HKL_TRAINER_DISPOSED`
   */
  prepare(): Promise<void> {
    check.assertNotDisposed(this.#disposed);
    // Two concurrent calls must not set the plugins up twice.
    return (this.#preparing ??= this.#prepare().finally(() => (this.#preparing = undefined)));
  }

  async #prepare(): Promise<void> {
    if (this.#plugins.areUp) return;
    const set = (this.#set ??= await this.#assemble());
    if (!this.#servicesUp) {
      this.#ranks.comm = await startComm(set);
      await startServices(set, this.#output, this.#ranks.comm);
    }
    this.#servicesUp = true;
    const length = await epochLengthOf(set.container, this.#ranks.comm);
    this.#run.epochs.begin(length, this.iteration);
    try {
      set.open();
      const { storage, random, logger } = this;
      const asked = { seed: this.#options.seed, run: this.#run, arranged: set.arranged };
      const tapPlugins = tapEngineState({ hooks: this.#hooks, storage, random, logger, ...asked });
      const live = this.#plugins.setUp(set, this.#ranks.comm);
      tapPlugins(live);
      this.#checkpoints.begin(live);
      set.seal();
    } catch (error) {
      throwAll([error, ...(await this.#close())]);
    }
  }

  /**
   * Trains until `maxIterations`. Where all iterations are done and a plugin still has something to do, for example
   * because the run was interrupted in the evaluation after its last step, the plugin does that without a step.
   *
   * @param options.maxIterations a new end, to continue after an earlier call; or `maxEpochs`
   * @throws HooklineError `HKL_NOTHING_TO_TRAIN` when the end is reached already, `HKL_EPOCH_UNKNOWN`,
   * `HKL_TRAIN_TWICE` while training, `HKL_OUTPUT_IN_USE` while another training writes into the run's folder,
   * `HKL_OUTPUT_REMOVED` at the end when that folder was removed meanwhile, `HKL_HALF_LOADED` after a load that could
   * not be undone, and whatever ended the training
   */
  async train(options: TrainOptions = {}): Promise<TrainResult> {
    assertKnownOptions('train', options, { maxIterations: true, maxEpochs: true });
    check.assertNotDisposed(this.#disposed);
    check.assertNotTraining(this.#training, 'train');
    this.#training = true;
    const parts = { run: this.#run, control: this.#control, logger: this.logger, waits: this.#site.waits };
    const release = watchRun({ ...parts, mayLeaveStep: () => this.#ranks.comm.size === 1 }, this.#options);
    try {
      if (Object.values(options).some((end) => end !== undefined)) this.#run.end = check.endOf(options);
      this.#checkpoints.assertWhole();
      this.#run.begin();
      // Once all iterations are done, only a plugin that is set up already can be unfinished, with the state that was
      // loaded into it.
      if (this.#set !== undefined || this.iteration < this.maxIterations) await this.prepare();
      this.#run.epochs.assertKnown(this.#run.end);
      check.assertSomethingToTrain(this.#run, this.#plugins.haveUnfinished);
      const plugins = this.#prepared().arranged.map(({ plugin }) => plugin);
      if (check.requiresAny(plugins, [checkpointsRef])) this.#checkpoints.warnWhereWithoutWeights();
      const [comm, set] = [this.#ranks.comm, this.#prepared()];
      await assertSameRun(comm, this.#hooks, this.iteration, set.arranged);
      const folder = { output: this.#output, set, logger: this.logger, comm, tearDown: () => this.#close() };
      const outcome = await holdOutput(folder, () =>
        runLoop({
          hooks: this.#hooks.byName,
          runner: (this.#runner = stepRunnerOf(this.#prepared().container)),
          ...parts,
          storage: this.storage,
          random: this.random,
          agreement: new Agreement(comm, this.#control, this.logger),
          metricsPeriod: this.#options.metricsPeriod ?? 1,
          yieldAfter: this.#options.yieldAfter ?? 50,
          tearDown: () => this.#close(),
        }),
      );
      return this.#evaluation.latest === undefined ? outcome : { ...outcome, results: this.#evaluation.latest };
    } finally {
      release();
      this.#control.clear();
      this.#site.iteration = undefined;
      this.#training = false;
    }
  }

  /**
   * Loads a checkpoint, all or nothing; see {@link Checkpoints.load}.
   *
   * @param options the scope, `all` to resume that run (default), `inference` to predict and evaluate, or `weights` to
   * begin a new run from its weights; or an object with the scope and `allowMismatch`
   * @throws HooklineError `HKL_TRAIN_TWICE` while training
   */
  async load(path: string, options: LoadScope | LoadOptions = {}): Promise<void> {
    check.assertNotTraining(this.#training, 'load');
    await this.prepare();
    const iteration = await this.#checkpoints.loadFile(path, options);
    if (iteration !== undefined) this.#run.iteration = iteration;
  }

  /**
   * Resumes from the latest checkpoint of the output folder where `resume` is set and there is one. Otherwise loads the
   * weights of the file `weights`, where one is given (detectron2's resume_or_load).
   *
   * @returns the file that was loaded
   */
  async resumeOrLoad(options: ResumeOptions = {}): Promise<string | undefined> {
    assertKnownOptions('resumeOrLoad', options, { resume: true, weights: true, allowMismatch: true });
    const { resume = true, weights, allowMismatch } = options;
    const latest = resume ? await this.#latestOfRanks() : undefined;
    const file = latest ?? weights;
    if (file === undefined) return undefined;
    const scope = latest === undefined ? 'weights' : 'all';
    await this.load(file, { scope, ...(allowMismatch && { allowMismatch }) });
    return file;
  }

  /**
   * The checkpoint to resume from. The first rank decides, since another one may see an older state of a shared folder.
   * The communicator is that of the process, since nothing is prepared yet: a subclass may still build the model for
   * the checkpoint.
   */
  async #latestOfRanks(): Promise<string | undefined> {
    const find = async (): Promise<string | null> => (await this.#checkpoints.latest()) ?? null;
    return (await onFirstRank(communicator(), find, 'the checkpoint to go on with')) ?? undefined;
  }

  /** Runs all evaluators once, outside of training. */
  async evaluate(): Promise<Results> {
    // This uses the service, not the hook: a plugin may wrap the service, for example to evaluate averaged weights.
    const evaluation = await this.service(evaluationRef);
    this.#checkpoints.assertWhole();
    return evaluation.run(this.#run.context());
  }

  /** Describes the plugins, their order with its reasons, the hooks and the services, as plain data. */
  async describe(): Promise<TrainerDescription> {
    await this.prepare();
    return describeTrainer(this.#prepared());
  }

  /** Prepares the trainer and returns one of its services. */
  async service<R extends AnyServiceRef>(ref: R): Promise<Service<R>> {
    await this.prepare();
    await this.#prepared().container.start(ref, 'service()');
    return this.#prepared().container.get(ref, 'service()');
  }

  /**
   * A service that has been made, also where preparing the trainer failed afterwards; for subclasses that free what it
   * holds.
   */
  protected madeService<R extends AnyServiceRef>(ref: R): Service<R> | undefined {
    return this.#set?.container.made(ref);
  }

  /**
   * Tears the plugins down, in reverse order. `train` does so by itself.
   *
   * @returns the errors
   * @throws HooklineError `HKL_TRAIN_TWICE` while training
   */
  async close(): Promise<readonly unknown[]> {
    check.assertNotTraining(this.#training, 'close');
    return this.#close();
  }

  async #close(): Promise<readonly unknown[]> {
    const runner = this.#runner;
    this.#runner = undefined;
    const parts = { plugins: this.#plugins, background: this.#background, runner, storage: this.storage };
    return closeTraining(parts, this.#timeout);
  }

  /**
   * Ends the trainer for good: tears down the plugins, then disposes of the services (see `provide`), which outlive
   * each call of `train`. Calling it again does nothing.
   * @throws HooklineError `HKL_DISPOSE_FAILED`, an AggregateError for several; `HKL_TRAIN_TWICE` while training
   */
  async dispose(): Promise<void> {
    check.assertNotTraining(this.#training, 'dispose');
    await this.#preparing?.catch(() => undefined);
    this.#disposed = true;
    throwAll([
      ...(await this.#close()),
      ...(await tearDown(this.#set?.container.takeDisposers() ?? [], this.#timeout)),
    ]);
  }

  async #assemble(): Promise<PluginSet> {
    const { plugins = [], services = [] } = this.#options;
    const core = coreProviders({
      trainer: new WeakRef<TrainerView>(this),
      hooks: this.#hooks,
      site: this.#site,
      storage: this.storage,
      random: this.random,
      control: this.#control,
      epochs: this.#run.epochs,
      logger: this.logger,
      output: this.#output,
      checkpoints: this.#checkpoints,
      evaluation: this.#evaluation,
      background: this.#background,
    });
    return new PluginSet({
      plugins: this.resolvePlugins(await this.builtinPlugins(), plugins),
      services: { core, trainer: this.builtinServices(), you: services },
      hooks: this.#hooks,
      site: this.#site,
    });
  }

  #prepared(): PluginSet {
    if (this.#set === undefined) throw new Error('prepare() has not been called');
    return this.#set;
  }
}
