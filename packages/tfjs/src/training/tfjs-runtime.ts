import {
  assertKnownOptions,
  commRef,
  loggerRef,
  type OptionNames,
  engineHooksRef,
  type Plugin,
  provide,
  type Provider,
  randomRef,
  stepRunnerRef,
  tapsRef,
} from '@hookline/core';
import tf from '#tfjs';
import { BatchSource, type BatchSourceOptions } from '../batch/batch-source.ts';
import type { DataSource } from '../batch/open-data.ts';
import { asNativeBackend } from '../device/native-backend.ts';
import { usesSlowBackend } from '../device/select-device.ts';
import { capturedModel } from '../runners/captured-model.ts';
import { modelRef, type TrainableModel } from '../model/trainable-model.ts';
import { alternatingOptimizer } from '../optim/alternating-optimizer.ts';
import { type Optimizer, optimizerRef } from '../parameters/optimizer.ts';
import { createStepRunner, type StepRunnerOptions } from '../runners/create-step-runner.ts';
import { RunnerScope, runnerScopeRef } from '../scope/runner-scope.ts';
import { oneRank, stepRanksRef } from '../ranks/step-ranks.ts';
import { stepScopeRef } from '../scope/step-scope.ts';
import { trainingStep, trainingStepRef } from '../step/training-step-service.ts';
import { batchSourceRef, trainDataRef } from '../batch/batch-services.ts';
import { assertModel, assertOptimizer } from '../model/check-parts.ts';
import { seededInit } from './seeded-init.ts';
import { tfjsState } from './tfjs-state.ts';

/** A value, or the function that makes it when the trainer is prepared. */
export type Made<T, A extends readonly unknown[] = []> = T | ((...args: A) => T | Promise<T>);

/** The components of a training with tensors. */
export interface TfjsRuntimeOptions
  extends BatchSourceOptions, Partial<Pick<StepRunnerOptions, 'capture' | 'checkFinite' | 'precision'>> {
  /** The model. A function is called under the run's seed, so that the same seed gives the same initial weights. */
  readonly model: Made<TrainableModel>;
  /** The optimizer, or a function of the model. The parts of an `alternatingModel` define their own. */
  readonly optimizer?: Made<Optimizer, [model: TrainableModel]>;
  /**
   * The batches. A function is a {@link DataSource} that returns an iterable for each pass; see `loadData` for data
   * made later.
   */
  readonly data?: DataSource;
  /** Makes the data source when the trainer is prepared. It takes precedence over `data`. */
  readonly loadData?: () => DataSource | Promise<DataSource>;
}

/** All names of {@link TfjsRuntimeOptions}. */
export const TFJS_RUNTIME_OPTIONS = Object.freeze({
  model: true,
  optimizer: true,
  data: true,
  loadData: true,
  repeat: true,
  tensors: true,
  capture: true,
  checkFinite: true,
  precision: true,
}) satisfies OptionNames<TfjsRuntimeOptions>;

/** The services and plugins with which a bare trainer trains a model. Pass both to `TrainerBase`. */
export interface TfjsRuntime {
  readonly services: readonly Provider[];
  readonly plugins: readonly Plugin[];
}

const SLOW =
  "steps run on TensorFlow.js's own JavaScript backend, which is hundreds of times slower than the others. Call await selectDevice('auto') before the model is made";
const OWNER = '@hookline/tfjs';

/**
 * The services of a training with tensors (model, optimizer, batches, the step with its scope, step runner) and the
 * plugin that saves them.
 *
 * @example
 * const { services, plugins } = tfjsRuntime({ model, optimizer: (model) => sgd(model, { learningRate: 0.1 }), data });
 * await new TrainerBase({ maxIterations: 100, services, plugins: [...plugins, ema()] }).train();
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function tfjsRuntime(options: TfjsRuntimeOptions): TfjsRuntime {
  assertKnownOptions('tfjsRuntime', options, TFJS_RUNTIME_OPTIONS);
  const { model, optimizer, data, loadData, repeat, tensors, ...runner } = options;
  const sourceOptions = { ...(repeat === undefined ? {} : { repeat }), ...(tensors === undefined ? {} : { tensors }) };
  return {
    plugins: [tfjsState()],
    services: [
      provide(
        modelRef,
        ({ random, logger }) =>
          checked(typeof model === 'function' ? seededInit(random(`${OWNER}/init`), model) : model, (made) =>
            withCapture(assertModel(made), runner.capture, (line) => logger(OWNER).info(line)),
          ),
        { random: randomRef, logger: loggerRef },
      ),
      provide(
        optimizerRef,
        (uses) => {
          const { parts } = uses.model;
          if (parts !== undefined && optimizer === undefined) return alternatingOptimizer(parts);
          // A missing optimizer raises the same error as any other value that is not an optimizer.
          const made = typeof optimizer === 'function' ? optimizer(uses.model) : (optimizer as Optimizer);
          return checked(made, assertOptimizer);
        },
        { model: modelRef },
      ),
      provide(trainDataRef, () => loadData?.() ?? (data as DataSource)),
      provide(
        batchSourceRef,
        ({ data: batches, logger, comm }) => {
          const source = new BatchSource(batches, sourceOptions, (line) => logger(OWNER).info(line), comm);
          source.warmUp();
          return source;
        },
        { data: trainDataRef, logger: loggerRef, comm: commRef },
      ),
      provide(stepRanksRef, () => oneRank),
      provide(
        runnerScopeRef,
        // Ranks share the weights but not the batch, so each rank draws its own random numbers for dropout and mixing.
        ({ random, ranks, comm: { rank } }) =>
          new RunnerScope({ random: random(rank === 0 ? `${OWNER}/step` : `${OWNER}/step/rank/${rank}`), ranks }),
        { random: randomRef, ranks: stepRanksRef, comm: commRef },
      ),
      provide(stepScopeRef, ({ scope }) => scope.facade, { scope: runnerScopeRef }),
      provide(trainingStepRef, ({ hooks, ...uses }) => trainingStep({ ...uses, hooks: hooks.byName }), {
        model: modelRef,
        optimizer: optimizerRef,
        scope: runnerScopeRef,
        hooks: engineHooksRef,
      }),
      provide(
        stepRunnerRef,
        ({ logger, hooks, source, taps, ...uses }) => {
          if (usesSlowBackend()) logger(OWNER).warn(SLOW);
          return createStepRunner({
            ...runner,
            ...uses,
            source,
            taps,
            hooks: hooks.byName,
            log: (line) => logger(OWNER).info(line),
          });
        },
        {
          // Listed first, so that its threads start while the model is made.
          source: batchSourceRef,
          model: modelRef,
          optimizer: optimizerRef,
          scope: runnerScopeRef,
          hooks: engineHooksRef,
          taps: tapsRef,
          logger: loggerRef,
        },
      ),
    ],
  };
}

/** Captures predictions where steps are captured. Other backends run no graphs; the step runner reports that. */
function withCapture(
  model: TrainableModel,
  capture: StepRunnerOptions['capture'] = 'auto',
  log: (line: string) => void,
): TrainableModel {
  if (capture === 'off' || asNativeBackend(tf.backend()) === undefined) return model;
  return capturedModel(model, { capture, log });
}

const checked = <T>(made: T | Promise<T>, assert: (value: unknown) => T): T | Promise<T> =>
  made instanceof Promise ? made.then(assert) : assert(made);
