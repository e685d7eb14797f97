import { randomInt } from 'node:crypto';
import { type Provider, provide } from '../container/provider.ts';
import type { OwnedProvider } from '../container/service-container.ts';
import type { AnyServiceRef, Service } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { HOOK_TABLE, type EngineHookSet, type Outcome, type Results } from '../hooks/hook-table.ts';
import { HookSet } from '../hooks/hook-set.ts';
import { HookSite } from '../hooks/hook-site.ts';
import type { JsonValue } from '../json.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { arrangePlugins, type LivePlugin, PluginSet } from '../plugin/plugin-set.ts';
import type { PluginInput } from '../preset/preset.ts';
import { resolvePlugins } from '../preset/resolve-plugins.ts';
import { RandomStreams } from '../random/random-streams.ts';
import {
  checkpointsRef,
  evaluationRef,
  phasesRef,
  randomRef,
  stepRunnerRef,
  storageRef,
  tapsRef,
} from '../services/core-services.ts';
import { controlRef, RunControl } from '../services/control.ts';
import { HookEvaluation } from '../services/evaluation.ts';
import { ConsoleLogger, type Logger, loggerRef, pluginLogger } from '../services/logger.ts';
import { DiskOutputFolder, outputRef } from '../services/output-folder.ts';
import { trainerHandle, trainerRef, type TrainerView } from '../services/trainer-handle.ts';
import { type Checkpoints, DiskCheckpoints } from '../state/checkpoints.ts';
import type { LoadScope } from '../state/checkpoint-view.ts';
import { tapEngineState } from '../state/engine-state.ts';
import { EventStorage } from '../storage/event-storage.ts';
import type { StepRunner } from '../step-runner.ts';
import { breather } from './breathe.ts';
import { describeTrainer, type TrainerDescription } from './describe-trainer.ts';
import { functionRunner } from './function-runner.ts';
import { runLoop } from './loop.ts';
import { RunState } from './run-state.ts';
import { stopOnSignals } from './signals.ts';
import { type Disposer, tearDown } from './tear-down.ts';
import { throwAll } from './throw-all.ts';
import type { TrainerBaseOptions, TrainerOptions } from './trainer-options.ts';

/** How a training ended, with the last evaluation where there was one. */
export interface TrainResult extends Outcome {
  readonly results?: Results;
}

/**
 * The bare trainer: the loop, its hooks, plugins and services, and a step of the user's own.
 *
 * Nothing is made before {@link TrainerBase.prepare}, which `train`, `load` and `describe` call by themselves;
 * there, before the first step, bad plugins, options and services are found. `train` may be called again, with a
 * later end; plugins are set up anew and keep their state.
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
  readonly #site = new HookSite();
  readonly #run: RunState;
  readonly #control = new RunControl();
  readonly #output: DiskOutputFolder;
  readonly #hooks: EngineHookSet = new HookSet('hookline', HOOK_TABLE, this.#site);
  readonly #evaluation = new HookEvaluation(this.#hooks);
  readonly #checkpoints: DiskCheckpoints;
  #set: PluginSet | undefined;
  #live: LivePlugin[] | undefined;
  #runner: StepRunner | undefined;
  #handOver = new Map<string, { readonly data: JsonValue; readonly version: number }>();
  #training = false;

  constructor(options: TrainerBaseOptions) {
    this.#options = options;
    this.#step = options.step;
    this.logger = options.logger ?? new ConsoleLogger();
    this.random = new RandomStreams(options.seed === undefined || options.seed < 0 ? randomInt(2 ** 31) : options.seed);
    this.#run = new RunState(assertCount('maxIterations', options.maxIterations), this.storage, this.#site);
    this.#run.iteration = assertCount('startIteration', options.startIteration ?? 0);
    this.#output = new DiskOutputFolder(options.output ?? 'output');
    this.#checkpoints = new DiskCheckpoints(this.#hooks, this.#output, () => this.#run.done);
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

  /** Absolute path of the run's folder; it exists once somebody writes into it. */
  get outputDir(): string {
    return this.#output.dir;
  }

  /** Saving and loading; the trainer must be prepared. */
  get checkpoints(): Checkpoints {
    return this.#checkpoints;
  }

  /** Asks for a graceful end; also before the first step. */
  stop(reason = 'stop requested'): void {
    this.#control.stop(reason);
  }

  /** Plugins that a subclass adds, in front of the user's. */
  protected builtinPlugins(): readonly PluginInput[] | Promise<readonly PluginInput[]> {
    return [];
  }

  /** Services that a subclass provides. */
  protected builtinServices(): readonly Provider[] {
    return this.#step === undefined ? [] : [provide(stepRunnerRef, () => asRunner(this.#step))];
  }

  /**
   * Makes services and sets the plugins up. Does nothing where that is done.
   *
   * @throws HooklineError for whatever does not fit together
   */
  async prepare(): Promise<void> {
    if (this.#live !== undefined) return;
    this.#set ??= await this.#assemble();
    const set = this.#set;
    const live: LivePlugin[] = [];
    this.#live = live;
    try {
      set.setUp((plugin) => live.push(plugin));
      const plugins = live.flatMap(({ plugin, parts: { state } }) => (state === undefined ? [] : [{ plugin, state }]));
      for (const { plugin, state } of plugins) {
        const kept = this.#handOver.get(plugin.id);
        if (kept !== undefined) state.load(kept.data, kept.version);
      }
      tapEngineState({ hooks: this.#hooks, storage: this.storage, random: this.random, logger: this.logger, plugins });
      set.seal();
    } catch (error) {
      throwAll([error, ...(await this.close())]);
    }
  }

  /**
   * Trains until `maxIterations`.
   *
   * @param options.maxIterations a new end, for going on after an earlier call
   * @throws HooklineError `HKL_NOTHING_TO_TRAIN` when the end is reached already, `HKL_TRAIN_TWICE` while training,
   * and whatever ended the training
   */
  async train({ maxIterations }: { readonly maxIterations?: number } = {}): Promise<TrainResult> {
    if (this.#training)
      throw new HooklineError('HKL_TRAIN_TWICE', 'this trainer is training already', {
        who: 'train',
        fix: 'Await the first call',
      });
    this.#training = true;
    const release = this.#options.handleSignals === false ? () => undefined : stopOnSignals(this.#control, this.logger);
    try {
      if (maxIterations !== undefined) this.#run.maxIterations = assertCount('maxIterations', maxIterations);
      if (this.#run.iteration >= this.#run.maxIterations) throw nothingToTrain(this.#run);
      await this.prepare();
      this.#run.startIteration = this.#run.iteration;
      const outcome = await runLoop({
        hooks: this.#hooks.phases,
        runner: this.#stepRunner(),
        run: this.#run,
        storage: this.storage,
        control: this.#control,
        logger: this.logger,
        metricsPeriod: this.#options.metricsPeriod ?? 1,
        breathe: breather(this.#options.yieldAfter ?? 50),
        tearDown: () => this.close(),
      });
      return this.#evaluation.latest === undefined ? outcome : { ...outcome, results: this.#evaluation.latest };
    } finally {
      release();
      this.#control.clear();
      this.#site.iteration = undefined;
      this.#training = false;
    }
  }

  /**
   * Loads a checkpoint.
   *
   * @param scope `all` to go on with that run (default), `weights` to begin a new one from its weights
   */
  async load(path: string, scope: LoadScope = 'all'): Promise<void> {
    await this.prepare();
    const iteration = await this.#checkpoints.load(path, scope);
    if (scope === 'all') this.#run.iteration = iteration;
  }

  /**
   * Goes on with the latest checkpoint of the output folder when `resume` is set and there is one; otherwise begins
   * with the weights of `weights`, where given (detectron2's resume_or_load).
   *
   * @returns the file that was loaded
   */
  async resumeOrLoad({
    resume = true,
    weights,
  }: { readonly resume?: boolean; readonly weights?: string } = {}): Promise<string | undefined> {
    const latest = resume ? await this.#checkpoints.latest() : undefined;
    const file = latest ?? weights;
    if (file === undefined) return undefined;
    await this.load(file, latest === undefined ? 'weights' : 'all');
    return file;
  }

  /** Runs all evaluators once, outside of training. */
  async evaluate(): Promise<Results> {
    // The service, not the hook: a plugin may wrap it, for example to evaluate averaged weights.
    const evaluation = await this.service(evaluationRef);
    return evaluation.run(this.#run.context());
  }

  /** Plugins, their order with reasons, hooks and services, for people and machines. */
  async describe(): Promise<TrainerDescription> {
    await this.prepare();
    return describeTrainer(this.#prepared());
  }

  /** A service of the prepared trainer. */
  async service<R extends AnyServiceRef>(ref: R): Promise<Service<R>> {
    await this.prepare();
    const { container } = this.#prepared();
    await container.start(ref, 'service()');
    return container.get(ref, 'service()') as Service<R>;
  }

  /** Tears the plugins down, in reverse order; `train` does so by itself. @returns what failed */
  async close(): Promise<readonly unknown[]> {
    const live = this.#live ?? [];
    this.#live = undefined;
    const errors: unknown[] = [];
    const runner = this.#runner;
    this.#runner = undefined;
    const disposers: Disposer[] = live.map(({ plugin, parts }) => ({
      owner: plugin.id,
      dispose: () => parts.dispose?.(),
    }));
    for (const { plugin, parts } of live) {
      try {
        if (parts.state !== undefined)
          this.#handOver.set(plugin.id, { data: parts.state.save(), version: parts.state.version ?? 1 });
      } catch (error) {
        errors.push(error);
      }
    }
    const closeRunner: Disposer = { owner: 'stepRunner', dispose: () => runner?.close?.() };
    errors.push(...(await tearDown([closeRunner, ...disposers], this.#options.disposeTimeout ?? 30_000)));
    try {
      // Once the training is over nobody may ask for the device any more, but for what it stored they may.
      await this.storage.resolve();
    } catch (error) {
      errors.push(error);
      this.storage.discardPending();
    }
    return errors;
  }

  async #assemble(): Promise<PluginSet> {
    const builtin = { addedBy: 'trainer', inputs: await this.builtinPlugins() };
    const arranged = arrangePlugins(resolvePlugins(this.#options.plugins ?? [], builtin));
    const owned = (owner: string, providers: readonly Provider[]): readonly OwnedProvider[] =>
      providers.map((provider) => ({ owner, provider }));
    const providers = [
      ...owned('core', this.#coreServices()),
      ...owned('trainer', this.builtinServices()),
      ...owned('you', this.#options.services ?? []),
    ];
    const set = new PluginSet(arranged, providers, this.#hooks, this.#site);
    if (needsOutput(arranged.map(({ plugin }) => plugin))) await this.#output.assertWritable();
    if (set.container.has(stepRunnerRef)) await set.container.start(stepRunnerRef, 'trainer');
    await set.startServices();
    return set;
  }

  #coreServices(): readonly Provider[] {
    const reference = new WeakRef<TrainerView>(this);
    const { random, logger, storage } = this;
    const site = this.#site;
    const control = this.#control;
    const output = this.#output;
    const checkpoints = this.#checkpoints;
    const evaluation = this.#evaluation;
    const hooks = this.#hooks;
    return [
      provide(phasesRef, () => hooks),
      provide(trainerRef, () => (plugin) => trainerHandle(plugin, reference)),
      provide(storageRef, () => storage),
      provide(controlRef, () => control),
      provide(randomRef, () => (plugin) => random.stream(plugin)),
      provide(loggerRef, () => (plugin) => pluginLogger(logger, plugin)),
      provide(outputRef, () => output),
      provide(checkpointsRef, () => checkpoints),
      provide(evaluationRef, () => evaluation),
      provide(tapsRef, () => ({ observe: (observer) => site.observe(observer) })),
    ];
  }

  #stepRunner(): StepRunner {
    const { container } = this.#prepared();
    if (!container.has(stepRunnerRef)) {
      throw new HooklineError('HKL_STEP_MISSING', 'nobody says what a step does', {
        who: 'trainer',
        fix: 'Give step: (step) => loss, or a plugin that provides the service "stepRunner"',
      });
    }
    this.#runner = container.get(stepRunnerRef, 'trainer') as StepRunner;
    return this.#runner;
  }

  #prepared(): PluginSet {
    if (this.#set === undefined) throw new Error('prepare() has not been called');
    return this.#set;
  }
}

function asRunner(step: TrainerBaseOptions['step']): StepRunner {
  if (typeof step === 'function') return functionRunner(step);
  if (typeof step?.run === 'function') return step;
  throw new HooklineError('HKL_STEP_MISSING', 'step is neither a function nor a step runner', {
    who: 'trainer',
    fix: 'Give step: (step) => loss',
  });
}

function needsOutput(plugins: readonly Plugin[]): boolean {
  const needs = new Set([outputRef.id, checkpointsRef.id]);
  return plugins.some(({ definition }) =>
    Object.values(definition.requires ?? {}).some((requirement) =>
      needs.has((requirement.kind === 'optional' ? requirement.ref : requirement).id),
    ),
  );
}

function assertCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new HooklineError('HKL_OPTION_INVALID', `${name} must be a whole number from 0 up, not ${value}`, {
    who: 'trainer',
  });
}

function nothingToTrain({ iteration, maxIterations }: RunState): HooklineError {
  return new HooklineError(
    'HKL_NOTHING_TO_TRAIN',
    `iteration ${iteration} is not below maxIterations ${maxIterations}`,
    {
      who: 'train',
      fix: 'Raise maxIterations to go on, or begin a new run in another output folder',
    },
  );
}
