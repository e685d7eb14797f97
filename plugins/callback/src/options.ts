import { documentedOptions } from '@hookline/core';
import type {
  CheckpointBuilder,
  CheckpointView,
  Control,
  EventStorage,
  FailedStepAction,
  Logger,
  Outcome,
  RandomStream,
  Results,
  RunContext,
  StepContext,
  StepOutput,
  TrainerView,
} from '@hookline/core';
import { z } from 'zod';

/** The tools that every callback receives after the arguments of its hook. */
export interface CallbackTools {
  /** The trainer's iteration, start and end. The trainer is held weakly. */
  readonly trainer: TrainerView;
  readonly storage: EventStorage;
  /** `control.stop(reason)` ends the training gracefully. */
  readonly control: Control;
  readonly logger: Logger;
  /** A random stream of this plugin's own, saved and restored with the run. */
  readonly random: RandomStream;
}

type MaybePromise<T> = T | Promise<T>;
type Optional<T> = T | undefined | void;
type Callback<Args extends readonly unknown[], Result = void> = (
  ...args: [...Args, tools: CallbackTools]
) => MaybePromise<Result>;

const callback = <F>() => z.custom<F>((value) => typeof value === 'function', 'give a function').optional();

/** One key for each async hook. */
export const callbackOptions = documentedOptions<CallbackOptions>()(
  z.strictObject({
    beforeTrain: callback<Callback<[run: RunContext]>>(),
    beforeStep: callback<Callback<[step: StepContext]>>(),
    afterStep: callback<Callback<[step: StepContext, output: StepOutput]>>(),
    afterTrain: callback<Callback<[outcome: Outcome]>>(),
    evaluate: callback<Callback<[results: Results, step: StepContext], Optional<Results>>>(),
    saveState: callback<Callback<[checkpoint: CheckpointBuilder]>>(),
    loadState: callback<Callback<[checkpoint: CheckpointView]>>(),
    stepFailed: callback<Callback<[error: unknown, step: StepContext], Optional<FailedStepAction>>>(),
  }),
);

/** Options of `callback`. */
export interface CallbackOptions {
  /** Once, before the first iteration. @default none */
  readonly beforeTrain?: Callback<[run: RunContext]>;
  /** Before each step; keep it short, because it counts as part of the step. @default none */
  readonly beforeStep?: Callback<[step: StepContext]>;
  /** After each step. @default none */
  readonly afterStep?: Callback<[step: StepContext, output: StepOutput]>;
  /** After the last iteration, whatever the outcome. @default none */
  readonly afterTrain?: Callback<[outcome: Outcome]>;
  /** Adds metrics: returns the results with additional ones. @default none */
  readonly evaluate?: Callback<[results: Results, step: StepContext], Optional<Results>>;
  /** Adds entries to a checkpoint that is being saved. @default none */
  readonly saveState?: Callback<[checkpoint: CheckpointBuilder]>;
  /** Reads entries from a checkpoint that is being loaded. @default none */
  readonly loadState?: Callback<[checkpoint: CheckpointView]>;
  /** Handles a failed step: `'skip'` continues with the next one, `'stop'` stops the training. @default none */
  readonly stepFailed?: Callback<[error: unknown, step: StepContext], Optional<FailedStepAction>>;
}
