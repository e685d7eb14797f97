import type { LazyScalar } from './events/lazy-scalar.ts';

/** A number, or a scalar that is still on the device and is read only when somebody asks. */
export type ScalarValue = number | LazyScalar;

/** What every hook of a step is told about it. */
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
   * Losses by name. The engine stores each of several, and their total, as `totalLossOf` finds it, as `total_loss`. A step
   * without a loss gives `{}`.
   */
  readonly losses: Readonly<Record<string, ScalarValue>>;
  /** The total, where the runner has it already. */
  readonly totalLoss?: ScalarValue;
  /** Other scalars worth storing, by name. */
  readonly metrics?: Readonly<Record<string, ScalarValue>>;
  /** Seconds spent waiting for data. */
  readonly dataTime?: number;
}

/** Does the arithmetic of one step; the only thing in a trainer that touches tensors. */
export interface StepRunner {
  run(context: StepContext): StepOutput | Promise<StepOutput>;
  /** Steps of an epoch, which may be a fraction; undefined where the data do not tell. */
  readonly epochLength?: number | undefined;
  /** What the step in progress waits for from outside, such as a batch, in words; undefined where it computes. */
  waitsFor?(): string | undefined;
  /** Gives up what {@link StepRunner.waitsFor} tells of: the step in progress fails with `error` and changes nothing. */
  stopWaiting?(error: unknown): void;
  /** Called once after training, in the reverse order of construction. */
  close?(): void | Promise<void>;
}
