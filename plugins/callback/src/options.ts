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

/** What every callback is given after the arguments of its hook. */
export interface CallbackTools {
  /** Iteration, start and end; held weakly. */
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
  /** Before each step; keep it negligible. @default none */
  readonly beforeStep?: Callback<[step: StepContext]>;
  /** After each step. @default none */
  readonly afterStep?: Callback<[step: StepContext, output: StepOutput]>;
  /** After the last iteration, whatever the outcome. @default none */
  readonly afterTrain?: Callback<[outcome: Outcome]>;
  /** Adds metrics: returns the results with its own added. @default none */
  readonly evaluate?: Callback<[results: Results, step: StepContext], Optional<Results>>;
  /** Adds to a checkpoint being saved. @default none */
  readonly saveState?: Callback<[checkpoint: CheckpointBuilder]>;
  /** Takes from a checkpoint being loaded. @default none */
  readonly loadState?: Callback<[checkpoint: CheckpointView]>;
  /** Handles a failed step: `'skip'` goes on with the next, `'stop'` ends gracefully. @default none */
  readonly stepFailed?: Callback<[error: unknown, step: StepContext], Optional<FailedStepAction>>;
}
