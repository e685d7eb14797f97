import type { Provider } from '../container/provider.ts';
import type { OptionNames } from '../known-options.ts';
import type { PluginInput } from '../preset/preset.ts';
import type { Logger } from '../services/logger.ts';
import type { LoadOptions } from '../checkpoint/checkpoint.ts';
import type { StepContext, ScalarValue, StepOutput, StepRunner } from '../step-runner.ts';

/**
 * One step in the user's own words: returns the loss, losses by name, or a whole step output. Several losses are stored by
 * their names and their sum as `total_loss`, unless the step gives a `total_loss` of its own; a step without a loss
 * returns `{}`.
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
   * Epochs after which training ends, which may be a fraction: it ends with the step that completes them. The data must tell how many
   * batches an epoch has.
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
  /** Seed of all random streams; a negative one, or none, draws one. */
  readonly seed?: number;
  /** Default: a console logger. */
  readonly logger?: Logger;
  /** Store the losses of every how many steps. Default 1. */
  readonly metricsPeriod?: number;
  /**
   * Whether SIGINT, SIGTERM, SIGHUP and a closed output end the training gracefully, and `process.exit` and errors outside
   * of every hook make it fail, with everything saved in both cases, instead of ending the process. Default true.
   */
  readonly handleSignals?: boolean;
  /** Milliseconds after which signals and timers are let through, between a step and its `afterStep`. Default 50. */
  readonly yieldAfter?: number;
  /** Seconds after which a batch or a tap that is waited for is named in a warning; 0 for never. Default 60. */
  readonly waitWarning?: number;
  /** Milliseconds that each plugin, each service, and the background tasks at the end may take to close. Default 30,000. */
  readonly disposeTimeout?: number;
}

/** Options of `train`. */
export interface TrainOptions {
  /** A new end (exclusive), for going on after an earlier call. Default: the one that there is. */
  readonly maxIterations?: number;
  /** A new end in epochs, in place of `maxIterations`: those of the whole run, not of this call. */
  readonly maxEpochs?: number;
}

/** Options of `resumeOrLoad`. */
export interface ResumeOptions {
  /** Whether to go on with the latest checkpoint of the output folder, where there is one. Default true. */
  readonly resume?: boolean;
  /** Checkpoint, or file of another framework, whose weights a new run begins with. Default none. */
  readonly weights?: string;
  /** What the checkpoint may lack or have left over; see {@link LoadOptions}. Default nothing. */
  readonly allowMismatch?: LoadOptions['allowMismatch'];
}

/** Options of the bare loop. */
export interface TrainerBaseOptions extends TrainerOptions {
  /** What a step does. May be left out where a plugin or service provides the step runner. */
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
