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
export const callbackOptions = z.strictObject({
  /** Once, before the first iteration. @default none */
  beforeTrain: callback<Callback<[run: RunContext]>>(),
  /** Before each step; keep it negligible. @default none */
  beforeStep: callback<Callback<[step: StepContext]>>(),
  /** After each step. @default none */
  afterStep: callback<Callback<[step: StepContext, output: StepOutput]>>(),
  /** After the last iteration, whatever the outcome. @default none */
  afterTrain: callback<Callback<[outcome: Outcome]>>(),
  /** Adds metrics: returns the results with its own added. @default none */
  evaluate: callback<Callback<[results: Results, step: StepContext], Optional<Results>>>(),
  /** Adds to a checkpoint being saved. @default none */
  saveState: callback<Callback<[checkpoint: CheckpointBuilder]>>(),
  /** Takes from a checkpoint being loaded. @default none */
  loadState: callback<Callback<[checkpoint: CheckpointView]>>(),
  /** Handles a failed step: `'skip'` goes on with the next, `'stop'` ends gracefully. @default none */
  stepFailed: callback<Callback<[error: unknown, step: StepContext], Optional<FailedStepAction>>>(),
});

export type CallbackOptions = z.input<typeof callbackOptions>;
