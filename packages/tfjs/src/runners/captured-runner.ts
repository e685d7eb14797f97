import {
  describeCause,
  HooklineError,
  runAll,
  type StepContext,
  type StepOutput,
  type StepRunner,
  type TapWatch,
} from '@hookline/core';
import tf from '#tfjs';
import type { BatchSource, TimedBatch } from '../batch/batch-source.ts';
import { disposeBatch } from '../batch/device-batch.ts';
import { readProcessor } from '../device/processor.ts';
import { assertTraining, checkPeriod, EagerStepRunner, type CheckFinite } from './eager-runner.ts';
import { isSumAlone, notFinite, readLosses } from '../gradients/step-figures.ts';
import type { TrainStep } from '../step/train-step.ts';
import { isCaptureProblem, isTooLate } from '../graph/capture-errors.ts';
import { CapturedSteps, type CaptureReport } from './captured-steps.ts';
import { asNativeBackend } from '../device/native-backend.ts';
import { runPasses } from '../graph/passes/pass-list.ts';
import { choosePrecision, type Precision, type PrecisionChoice } from '../graph/precision.ts';
import type { CachedStep } from '../session/step-cache.ts';

/**
 * Whether steps run as a captured graph. `auto`: captured if possible, otherwise eagerly, and a log line says why. `required`:
 * captured, and an error where that is not possible. `off`: eagerly.
 */
export type CaptureMode = 'auto' | 'off' | 'required';

/** Options of {@link CapturedStepRunner}. */
export interface CapturedRunnerOptions {
  readonly step: TrainStep;
  readonly source: BatchSource;
  /** The reaction if a step cannot be captured; see {@link CaptureMode}. @default 'auto' */
  readonly capture?: 'auto' | 'required' | undefined;
  /** The dtype of convolutions and matrix products; weights and updates are always float32. @default 'float32' */
  readonly precision?: Precision | undefined;
  /**
   * With `off`, a loss or a gradient that is not finite still changes the weights. Any other value checks every captured
   * step, because the check costs it nothing to read. @default 'always'
   */
  readonly checkFinite?: CheckFinite | undefined;
  /** Whether passes optimize the graph; without them it holds the ops as recorded. @default true */
  readonly optimize?: boolean | undefined;
  /**
   * The most graphs to keep; there is one per shapes of the batch and choices of the host. Default: 8, and up to 32 while
   * they have fewer than 8000 nodes in all.
   */
  readonly graphs?: number | undefined;
  /** Tells which tap is running, so that an error can name it. */
  readonly taps?: TapWatch | undefined;
  /** Called with lines that say whether the step was captured, and why not. @default no log */
  readonly log?: ((line: string) => void) | undefined;
}

/** Runs train steps as captured graphs; with `auto` it runs them eagerly where they cannot be captured. */
export class CapturedStepRunner implements StepRunner {
  readonly step: TrainStep;
  readonly source: BatchSource;
  readonly #eager: EagerStepRunner;
  readonly #isRequired: boolean;
  readonly #log: (line: string) => void;
  #make: (() => CapturedSteps) | undefined;
  #steps: CapturedSteps | undefined;
  #reason: string | undefined;
  #precision: PrecisionChoice | undefined;
  #announced = false;

  /**
   * @throws HooklineError `HKL_CAPTURE_BACKEND` with `required` where TensorFlow does not run natively,
   * `HKL_PRECISION_UNSUPPORTED` for a precision that the machine lacks, `HKL_STEP_OPTION` for an invalid `checkFinite`
   */
  constructor(options: CapturedRunnerOptions) {
    const { step, source, capture = 'auto', checkFinite = 'always', graphs, optimize = true, taps, log } = options;
    this.step = step;
    this.source = source;
    this.#isRequired = capture === 'required';
    this.#log = log ?? (() => undefined);
    this.#eager = new EagerStepRunner({ step, source, checkFinite });
    const backend = asNativeBackend(tf.backend());
    if (backend === undefined) {
      const what = `the backend ${tf.getBackend()} runs no TensorFlow graphs`;
      const fix = 'Run `hookline setup` for native TensorFlow, or set capture: "auto"';
      this.#giveUp(new HooklineError('HKL_CAPTURE_BACKEND', what, { who: 'the step runner', fix }), what);
      return;
    }
    const machine = { usesGpu: backend.isUsingGpuDevice, ...readProcessor() };
    const choice = choosePrecision(options.precision ?? 'float32', machine);
    const { precision } = choice;
    this.#precision = choice;
    this.#make = () =>
      new CapturedSteps({
        backend,
        step,
        taps,
        transform: optimize ? (record) => runPasses(record, { precision }) : () => undefined,
        isChecked: checkPeriod(checkFinite) > 0,
        limit: graphs,
        isRequired: this.#isRequired,
        log: this.#log,
      });
  }

  /** Whether steps run captured, the reason where they do not, and a report about the graphs. */
  get status(): {
    readonly isCaptured: boolean;
    readonly reason?: string | undefined;
    readonly report?: CaptureReport | undefined;
  } {
    return { isCaptured: this.#make !== undefined, reason: this.#reason, report: this.#steps?.report };
  }

  /** The recorded steps, for inspection of their graphs. */
  get recorded(): readonly CachedStep[] {
    return this.#steps?.steps ?? [];
  }

  /**
   * Runs one step on the next batch.
   *
   * @throws HooklineError what the eager runner raises; `HKL_CAPTURE_...` where a captured step turns out to depend on host
   * values that have changed, and with `required` where it cannot be captured; `HKL_LOSS_SCALE_MISSING` in float16 without a
   * loss scale
   */
  run(context: StepContext): StepOutput | Promise<StepOutput> {
    assertTraining(this.step, context);
    this.#assertScaled();
    const next = this.source.next(context.iteration);
    return next instanceof Promise ? next.then((batch) => this.#run(batch, context)) : this.#run(next, context);
  }

  /**
   * Takes a batch and captures the step without running it, for inspection by {@link status} and {@link recorded}. No weight
   * changes.
   *
   * @throws HooklineError what the data and the model raise, `HKL_LOSS_SCALE_MISSING`, and with `required`
   * `HKL_CAPTURE_...`
   */
  async prepare(iteration = 0): Promise<void> {
    if (this.#make === undefined) return;
    this.#assertScaled();
    const { device } = await this.source.next();
    try {
      this.#steps ??= this.#make();
      this.#steps.prepare(iteration, device.batch);
    } catch (error) {
      if (!isCaptureProblem(error) || this.#isRequired) throw error;
      this.#giveUp(error);
    } finally {
      disposeBatch(device);
    }
  }

  get epochLength(): number | undefined {
    return this.source.epochLength;
  }

  waitsFor(): string | undefined {
    return this.source.waitsFor();
  }

  stopWaiting(error: unknown): void {
    this.source.stopWaiting(error);
  }

  async close(): Promise<void> {
    const steps = this.#steps;
    this.#steps = undefined;
    // `runAll` closes the source, and with it the loader's threads, even where closing the session throws.
    this.step.close();
    await runAll([() => steps?.close(), () => this.source.close()]);
  }

  #run(batch: TimedBatch, context: StepContext): StepOutput | Promise<StepOutput> {
    if (this.#make === undefined) return this.#eager.runBatch(batch, context);
    const steps = (this.#steps ??= this.#make());
    let isHandedOn = false;
    try {
      const scalars = steps.run(context.iteration, batch.device.batch);
      if (scalars === undefined) {
        isHandedOn = true;
        return this.#eager.runBatch(batch, context);
      }
      const { names, values, isFinite, ...rest } = scalars;
      if (!isFinite) throw notFinite(names, values, context);
      const { losses, total: totalLoss } = readLosses(names, values);
      const metrics = byName(rest.metrics, rest.reported);
      const isOne = isSumAlone(names);
      this.#announce();
      const { dataTime } = batch;
      return isOne ? { losses, metrics, dataTime } : { losses, totalLoss, metrics, dataTime };
    } catch (error) {
      if (!isCaptureProblem(error) || this.#isRequired || isTooLate(error)) throw error;
      this.#giveUp(error);
      isHandedOn = true;
      return this.#eager.runBatch(batch, context);
    } finally {
      if (!isHandedOn) disposeBatch(batch.device);
    }
  }

  /** Called before each step, not in the constructor: a plugin that scales the loss is set up after it. */
  #assertScaled(): void {
    const isHalf = this.#make !== undefined && this.#precision?.precision === 'float16';
    if (!isHalf || this.step.scope.lossScale !== undefined) return;
    throw new HooklineError(
      'HKL_LOSS_SCALE_MISSING',
      'gradients below 6e-8 are 0 in float16, and the loss has no scale',
      {
        who: 'option precision',
        fix: "List lossScaling() of @hookline/plugin-loss-scaling among the plugins, or use 'bfloat16' or 'float32'",
      },
    );
  }

  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    const { nodes, seconds } = this.#steps?.report ?? { nodes: 0, seconds: 0 };
    const { precision = 'float32', reason = '' } = this.#precision ?? {};
    const type = precision === 'float32' ? '' : `, ${precision} (${reason})`;
    this.#log(`train step: captured as one graph of ${nodes} nodes in ${seconds.toFixed(2)} s${type}`);
  }

  #giveUp(error: unknown, reason = describeCause(error)): void {
    if (this.#isRequired) throw error;
    this.#steps?.close();
    this.#steps = undefined;
    this.#make = undefined;
    this.#reason = reason;
    const lost = this.#precision === undefined || this.#precision.precision === 'float32' ? '' : ' and in float32';
    this.#log(`train step: eager${lost}, since it cannot be captured: ${this.#reason}`);
  }
}

const byName = (names: readonly string[], values: Float32Array): Record<string, number> =>
  Object.fromEntries(names.map((name, place) => [name, values[place] ?? Number.NaN]));
