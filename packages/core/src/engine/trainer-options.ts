import type { Provider } from '../container/provider.ts';
import type { OptionNames } from '../known-options.ts';
import type { PluginInput } from '../preset/preset.ts';
import type { Logger } from '../services/logger.ts';
import type { LoadOptions } from '../checkpoint/checkpoint.ts';
import type { StepContext, ScalarValue, StepOutput, StepRunner } from '../step-runner.ts';

/**
 * A step as a function of the user's own: it returns the loss, losses by name, or a whole step output. Several losses
 * are stored by their names, and their sum as `total_loss` unless the step returns a `total_loss` of its own. A step
 * without a loss returns `{}`.
 */
export type StepFunction = (
  step: StepContext,
) => ScalarValue | LossRecord | StepOutput | Promise<ScalarValue | LossRecord | StepOutput>;

type LossRecord = Readonly<Record<string, ScalarValue>>;

/** What every trainer takes. */
export interface TrainerOptions {
  /** Iteration at which training ends (exclusive). Either this or `maxEpochs` is given. */
  readonly maxIterations?: number;
  /**
   * Number of epochs, which may be a fraction: training ends with the step that completes them. The data must have a
   * known length.
   */
  readonly maxEpochs?: number;
  /** Iteration at which training begins. Default 0; a loaded checkpoint overrides it. */
  readonly startIteration?: number;
  /** Plugins, presets and lists of them; falsy entries are left out. Default none. */
  readonly plugins?: readonly PluginInput[];
  /** Services of the user's own: `provide(ref, ...)`, `replace(ref, ...)`. Default none. */
  readonly services?: readonly Provider[];
  /** The run's folder; made only when a plugin needs it. Default `output`. */
  readonly output?: string;
  /** Seed of all random streams. Default, and for a negative number: a random one. */
  readonly seed?: number;
  /** Receives the messages. Default: a {@link ConsoleLogger}, which writes to standard error. */
  readonly logger?: Logger;
  /** After how many steps losses are stored: 1 for every step. Default 1. */
  readonly metricsPeriod?: number;
  /**
   * Whether SIGINT, SIGTERM, SIGHUP and a closed output end the training gracefully, and `process.exit` and errors
   * outside of every hook make it fail, with everything saved in both cases, instead of the process ending. Default
   * true.
   */
  readonly handleSignals?: boolean;
  /**
   * Milliseconds after which the loop yields to Node's event loop, so that signals and timers get their turn, between a
   * step and its `afterStep`. Default 50.
   */
  readonly yieldAfter?: number;
  /**
   * Seconds after which a warning names the batch or the tap that the training is waiting for; 0 for never. Default 60.
   */
  readonly waitWarning?: number;
  /**
   * Milliseconds that each plugin, each service, and the background tasks at the end may take to close; Infinity for no
   * limit. Default 30,000.
   */
  readonly disposeTimeout?: number;
}

/** Options of `train`. */
export interface TrainOptions {
  /** A new end (exclusive), to continue after an earlier call. Default: the end stays. */
  readonly maxIterations?: number;
  /** A new end in epochs, in place of `maxIterations`: counted over the whole run, not from this call. */
  readonly maxEpochs?: number;
}

/** Options of `resumeOrLoad`. */
export interface ResumeOptions {
  /** Whether to resume from the latest checkpoint of the output folder, where there is one. Default true. */
  readonly resume?: boolean;
  /** A checkpoint, or a file of another framework, with whose weights a new run begins. Default none. */
  readonly weights?: string;
  /** What may be missing or left over in the checkpoint; see {@link LoadOptions}. Default: nothing. */
  readonly allowMismatch?: LoadOptions['allowMismatch'];
}

/** Options of the bare loop. */
export interface TrainerBaseOptions extends TrainerOptions {
  /** What a step does. May be left out where a plugin or a service provides the step runner. */
  readonly step?: StepFunction | StepRunner;
}

/** All names of {@link TrainerOptions}, for trainers that have options besides. */
export const TRAINER_OPTIONS = Object.freeze({
  maxIterations: true,
  maxEpochs: true,
  startIteration: true,
  plugins: true,
  services: true,
  output: true,
  seed: true,
  logger: true,
  metricsPeriod: true,
  handleSignals: true,
  yieldAfter: true,
  waitWarning: true,
  disposeTimeout: true,
}) satisfies OptionNames<TrainerOptions>;

/** All names of {@link TrainerBaseOptions}. */
export const TRAINER_BASE_OPTIONS = Object.freeze({
  ...TRAINER_OPTIONS,
  step: true,
}) satisfies OptionNames<TrainerBaseOptions>;
