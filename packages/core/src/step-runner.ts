import type { LazyScalar } from './events/lazy-scalar.ts';

/** A number, or a scalar that is still on the device and is read only when somebody asks. */
export type ScalarValue = number | LazyScalar;

/** What every hook of a step is told about the step. */
export interface StepContext {
  /** 0-based iteration, the same as `storage.iteration` and `trainer.iteration`. */
  readonly iteration: number;
  /** Iteration at which this call of `train()` began. */
  readonly startIteration: number;
  /** Iteration at which training ends (exclusive). */
  readonly maxIterations: number;
}

/** What a step runner hands back for one step. */
export interface StepOutput {
  /**
   * Losses by name. The engine stores each of them, and their total, which `totalLossOf` finds, as `total_loss`. A step
   * without losses returns `{}`.
   */
  readonly losses: Readonly<Record<string, ScalarValue>>;
  /** The total loss, where the runner has computed it. */
  readonly totalLoss?: ScalarValue;
  /** Other scalars worth storing, by name. */
  readonly metrics?: Readonly<Record<string, ScalarValue>>;
  /** Seconds spent waiting for data. */
  readonly dataTime?: number;
}

/** Does the arithmetic of one step; the only thing in a trainer that touches tensors. */
export interface StepRunner {
  run(context: StepContext): StepOutput | Promise<StepOutput>;
  /** How many steps an epoch has, which may be a fraction; undefined where the data have no known length. */
  readonly epochLength?: number | undefined;
  /** What the step in progress is waiting for, such as a batch, in words for messages; undefined while it computes. */
  waitsFor?(): string | undefined;
  /**
   * Stops the wait that {@link StepRunner.waitsFor} describes: the step in progress then fails with `error` and changes
   * nothing.
   */
  stopWaiting?(error: unknown): void;
  /**
   * Called at the end of each training, after all plugins are torn down. Frees what a training holds; `run` may be
   * called again afterwards.
   */
  close?(): void | Promise<void>;
}
