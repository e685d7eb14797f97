import type { EventStorage } from '../events/event-storage.ts';
import type { CheckpointBuilder, CheckpointView } from '../checkpoint/checkpoint.ts';
import type { StepContext, StepOutput } from '../step-runner.ts';
import type { ScalarTensor, Tensor, Variable } from '../tensor-types.ts';
import {
  asyncSeries,
  asyncSeriesBail,
  asyncSeriesSettled,
  asyncSeriesWaterfall,
  sync,
  syncBail,
  syncWaterfall,
} from './hook-spec.ts';
import type { HookSet, OwnHooks } from './hook-set.ts';
import { batchValue, failedStepAction, namedTensors, results, trueOrFalse } from './result-check.ts';

/** What a run is, from `beforeTrain` to `afterTrain`. */
export interface RunContext {
  readonly startIteration: number;
  readonly maxIterations: number;
  readonly storage: EventStorage;
}

/** How a run ended. */
export interface Outcome {
  /** `completed`: all iterations ran. `stopped`: a stop was requested. `interrupted`: a signal. `failed`: an error. */
  readonly status: 'completed' | 'stopped' | 'interrupted' | 'failed';
  /** Iterations done in all, the iteration to resume at. */
  readonly iteration: number;
  /** Why the run ended, for `stopped` and `interrupted`. */
  readonly reason?: string;
  /** The error that ended the run, for `failed`. */
  readonly error?: unknown;
}

/** Evaluation results: numbers by name, nested by task or data set. */
export interface Results {
  readonly [name: string]: number | Results;
}

/** What to do about a failed step: go on with the next iteration, or end gracefully. */
export type FailedStepAction = 'skip' | 'stop';

// Interfaces, not aliases: a declaration file would hold an alias resolved, with `unknown` for the runtime's tensors.

/** Named tensors, such as gradients by variable name. */
export interface NamedTensors {
  readonly [name: string]: Tensor;
}
/** Losses by name. */
export interface NamedLosses {
  readonly [name: string]: ScalarTensor;
}
/** Variables by name. */
export interface NamedVariables {
  readonly [name: string]: Variable;
}

/**
 * The last argument of the hooks inside the step. Where a model has parts that are updated in turn, these hooks are
 * called once for each part, and the argument is the part's name, such as `generator`. In every other training it is
 * undefined.
 */
export type InPart = [part?: string | undefined];

/**
 * The hooks of every trainer, in one place.
 *
 * Async hooks run on the host, between steps. Sync hooks run on tensors, inside the step: a sync tap is a pure
 * function of tensors, so that a runner may record the step once and replay it.
 */
export const HOOK_TABLE = Object.freeze({
  /** Opens what a run needs. Runs once, before the first iteration. */
  beforeTrain: asyncSeries<[run: RunContext]>(['run'], 'open what the run needs'),
  /** Before each step; keep it negligible, its time counts as the step's. */
  beforeStep: asyncSeries<[step: StepContext]>(['step'], 'host work before a step, negligible'),
  /** After each step: log, save, evaluate. */
  afterStep: asyncSeries<[step: StepContext, output: StepOutput]>(['step', 'output'], 'host work after a step'),
  /**
   * After the last iteration, whatever the outcome. All taps run, also after one that fails: the checkpoint of a stop is
   * not lost because of another plugin. The errors come afterwards, the first one leading.
   */
  afterTrain: asyncSeriesSettled<[outcome: Outcome]>(['outcome'], 'after the run, whatever the outcome'),
  /** Evaluators add their metrics to the results. */
  evaluate: asyncSeriesWaterfall<Results, [step: StepContext]>(
    ['results', 'step'],
    'evaluators add their metrics',
    results,
  ),
  /** Plugins add their state to a checkpoint that is being saved. */
  saveState: asyncSeries<[checkpoint: CheckpointBuilder]>(['checkpoint'], 'add to a checkpoint being saved'),
  /** Plugins check and load their state from a checkpoint. */
  loadState: asyncSeries<[checkpoint: CheckpointView]>(['checkpoint'], 'take from a checkpoint being loaded'),
  /** A plugin may handle a failed step. */
  stepFailed: asyncSeriesBail<[error: unknown, step: StepContext], FailedStepAction>(
    ['error', 'step'],
    'handle a failed step: skip it or stop',
    failedStepAction,
  ),
  /** The batch on the device, before the forward pass. */
  batch: syncWaterfall<unknown, InPart>(['batch', 'part'], 'replace the batch on the device', batchValue),
  /** The losses, before they are summed. */
  losses: syncWaterfall<NamedLosses, InPart>(
    ['losses', 'part'],
    'add, weight or scale losses',
    namedTensors('scalar tensors by name'),
  ),
  /**
   * The gradients by variable name (detectron2's after_backward). A name that is left out keeps its variable as it is. Once a
   * tap has said that the step makes no update, no further tap is called.
   */
  gradients: syncWaterfall<NamedTensors, InPart>(
    ['gradients', 'part'],
    'clip, accumulate or replace gradients',
    namedTensors('tensors by variable name'),
  ),
  /**
   * Before the optimizer's update. A tap that returns true has made the update itself; one that returns nothing leaves it to
   * the next tap, and after the last one to the optimizer. Not called in a step that makes no update, which a tap of
   * `gradients` says by `stepScope.updateIf`; `false`, the older way to say it, is still understood.
   */
  update: syncBail<[gradients: NamedTensors, ...InPart], boolean>(
    ['gradients', 'part'],
    "replace the optimizer's update",
    trueOrFalse,
  ),
  /** The variables after an update; not called in a step that makes none. */
  afterUpdate: sync<[variables: NamedVariables, ...InPart]>(['variables', 'part'], 'moving averages and the like'),
});

/** The engine's own hooks as types. */
export type EngineHooks = typeof HOOK_TABLE;
/** The engine's hooks of one trainer, for the engine. */
export type EngineHookSet = HookSet<EngineHooks>;
/** The hooks that a step runner calls inside the step. */
export type StepHooks = Pick<OwnHooks<EngineHooks>, 'batch' | 'losses' | 'gradients' | 'update' | 'afterUpdate'>;
