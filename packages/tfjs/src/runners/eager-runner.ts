import {
  HooklineError,
  type LazyScalar,
  type NamedTensors,
  type StepContext,
  type StepOutput,
  type StepRunner,
} from '@hookline/core';
import tf from '#tfjs';
import type { BatchSource, TimedBatch } from '../batch/batch-source.ts';
import { disposeBatch } from '../batch/device-batch.ts';
import { DeviceFigures, readsAtOnce } from '../gradients/device-figures.ts';
import { StateSnapshot } from './state-snapshot.ts';
import { figuresOf, isGood, isSumAlone, notFinite, packFigures } from '../gradients/step-figures.ts';
import type { TrainStep } from '../step/train-step.ts';

/**
 * When the step checks that the total loss and the gradients are finite before the weights change: at every step
 * (`'always'`), at every nth step (a number), or never (`'off'`). A step without the check reads nothing from the device,
 * which on a GPU lets the host run ahead.
 */
export type CheckFinite = 'always' | 'off' | number;

/** Options of {@link EagerStepRunner}. */
export interface EagerRunnerOptions {
  readonly step: TrainStep;
  readonly source: BatchSource;
  /** When losses and gradients are checked to be finite. @default 'always' */
  readonly checkFinite?: CheckFinite | undefined;
  /** Whether the check reads the loss asynchronously. @default true only on backends that cannot read at once (WebGPU) */
  readonly readAsync?: boolean | undefined;
}

/** Runs train steps eagerly, kernel by kernel, on any backend. */
export class EagerStepRunner implements StepRunner {
  readonly step: TrainStep;
  readonly source: BatchSource;
  readonly #period: number;
  readonly #readAsync: boolean | undefined;

  /** @throws HooklineError `HKL_STEP_OPTION` for an invalid `checkFinite` */
  constructor({ step, source, checkFinite = 'always', readAsync }: EagerRunnerOptions) {
    this.step = step;
    this.source = source;
    this.#period = checkPeriod(checkFinite);
    this.#readAsync = readAsync;
  }

  /**
   * Runs one step: takes a batch, computes the losses and the gradients, and updates the weights.
   *
   * @throws HooklineError `HKL_EVAL_MODE` when the model is not in train mode, `HKL_LOSS_NOT_FINITE` and
   * `HKL_GRADIENT_NOT_FINITE` before any weight changes, and what the data, the model, the taps and the optimizer raise. After
   * an error before the update, or an error of a tap during it, the weights, the model's state and the scope's variables have
   * their values from before the step, and no tensor is leaked.
   */
  run(context: StepContext): StepOutput | Promise<StepOutput> {
    assertTraining(this.step, context);
    const next = this.source.next(context.iteration);
    return next instanceof Promise ? next.then((batch) => this.runBatch(batch, context)) : this.runBatch(next, context);
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

  close(): Promise<void> {
    this.step.close();
    return this.source.close();
  }

  /** Runs the step on a batch that was already taken from the source. Frees the batch. */
  runBatch({ device, dataTime }: TimedBatch, context: StepContext): StepOutput | Promise<StepOutput> {
    const isChecked = this.#period > 0 && (context.iteration + 1) % this.#period === 0;
    try {
      if (this.step.hasParts) return this.#runParts(device.batch, dataTime, isChecked, context);
      if (isChecked && (this.#readAsync ?? !readsAtOnce())) return this.#runAsync(device.batch, dataTime, context);
      return this.#runSync(device.batch, dataTime, isChecked, context);
    } finally {
      // An asynchronous step needs the batch only for its first half, which has run by now.
      disposeBatch(device);
    }
  }

  #runSync(batch: unknown, dataTime: number, isChecked: boolean, context: StepContext): StepOutput {
    const { step } = this;
    let output: StepOutput | undefined;
    step.scope.run(context.iteration, () => {
      tf.tidy(() => {
        const { gradients, figures } = this.#firstHalf(batch, isChecked, (made) => {
          if (isChecked) assertFinite(made, made.read(), context);
        });
        // Only a tap is likely to fail during the update, so the snapshot is taken only where the update has taps: it keeps
        // the old weights in memory until the step is done.
        const before = gradients !== undefined && step.isUpdateTapped ? new StateSnapshot(step, 'all') : undefined;
        try {
          step.update(gradients);
          output = report(step, figures, isChecked, dataTime);
        } catch (error) {
          before?.restore();
          throw error;
        } finally {
          before?.dispose();
          if (output === undefined || isChecked) figures.dispose();
        }
      });
    });
    return output as unknown as StepOutput;
  }

  /** Updates each part that is due. The check runs after all of them; where it fails, every change of the step is undone. */
  #runParts(
    batch: unknown,
    dataTime: number,
    isChecked: boolean,
    context: StepContext,
  ): StepOutput | Promise<StepOutput> {
    const { step } = this;
    const before = new StateSnapshot(step, 'all');
    let figures: DeviceFigures | undefined;
    const undo = (error: unknown): never => {
      before.restore();
      before.dispose();
      figures?.dispose();
      throw error;
    };
    const finish = (made: DeviceFigures): StepOutput => {
      if (isChecked) assertFinite(made, made.read(), context);
      const output = report(step, made, isChecked, dataTime);
      before.dispose();
      if (isChecked) made.dispose();
      return output;
    };
    try {
      step.scope.run(context.iteration, () => {
        tf.tidy(() => {
          figures = new DeviceFigures(packFigures(step.updateParts(context.iteration, batch, isChecked)));
        });
      });
      const made = figures as unknown as DeviceFigures;
      if (!isChecked || !(this.#readAsync ?? !readsAtOnce())) return finish(made);
      return made
        .readAsync()
        .then(() => finish(made))
        .catch(undo);
    } catch (error) {
      return undo(error);
    }
  }

  /** Runs a step whose check reads asynchronously, between the first half (gradients) and the update. */
  async #runAsync(batch: unknown, dataTime: number, context: StepContext): Promise<StepOutput> {
    const { step } = this;
    const before = new StateSnapshot(step);
    let figures: DeviceFigures | undefined;
    let kept: Record<string, tf.Tensor> | undefined;
    try {
      step.scope.run(context.iteration, () => {
        tf.tidy(() => {
          const half = this.#firstHalf(batch, true);
          figures = half.figures;
          if (half.gradients === undefined) return;
          kept = {};
          for (const name in half.gradients) kept[name] = tf.keep((half.gradients[name] as tf.Tensor).clone());
        });
      });
      const made = figures as unknown as DeviceFigures;
      try {
        assertFinite(made, await made.readAsync(), context);
      } catch (error) {
        before.restore();
        throw error;
      }
      const whole = kept !== undefined && step.isUpdateTapped ? new StateSnapshot(step, 'all') : undefined;
      try {
        step.scope.resume(() => {
          tf.tidy(() => {
            step.update(kept);
          });
        });
      } catch (error) {
        whole?.restore();
        throw error;
      } finally {
        whole?.dispose();
      }
      return report(step, made, true, dataTime);
    } finally {
      before.dispose();
      figures?.dispose();
      if (kept !== undefined) tf.dispose(kept);
    }
  }

  #firstHalf(
    batch: unknown,
    isChecked: boolean,
    check?: (figures: DeviceFigures) => void,
  ): { readonly gradients: NamedTensors | undefined; readonly figures: DeviceFigures } {
    const before = new StateSnapshot(this.step);
    let figures: DeviceFigures | undefined;
    try {
      const half = this.step.forwardBackward(batch);
      figures = new DeviceFigures(packFigures([figuresOf(half, isChecked ? half.check : undefined)]));
      check?.(figures);
      return { gradients: half.gradients, figures };
    } catch (error) {
      figures?.dispose();
      before.restore();
      throw error;
    } finally {
      before.dispose();
    }
  }
}

function report({ scope }: TrainStep, figures: DeviceFigures, isRead: boolean, dataTime: number): StepOutput {
  const metrics = Object.fromEntries([...scope.takeMetrics()].map(([name, value]) => [name, lazyScalar(value)]));
  if (isRead) {
    const { losses: numbers, total } = figures.numbers();
    return isSumAlone(figures.names)
      ? { losses: numbers, metrics, dataTime }
      : { losses: numbers, totalLoss: total, metrics, dataTime };
  }
  const { losses: lazy, total } = figures.lazy();
  return total === undefined
    ? { losses: lazy, metrics, dataTime }
    : { losses: lazy, totalLoss: total, metrics, dataTime };
}

function lazyScalar(tensor: tf.Scalar): LazyScalar {
  return {
    read: () =>
      readsAtOnce()
        ? (tensor.dataSync<'float32'>()[0] ?? Number.NaN)
        : tensor.data<'float32'>().then(([value = Number.NaN]) => value),
    dispose: () => tensor.dispose(),
  };
}

function assertFinite({ names }: DeviceFigures, values: Float32Array, context: StepContext): void {
  if (!isGood(names, values)) throw notFinite(names, values, context);
}

/** @throws HooklineError `HKL_EVAL_MODE` when the model is not in train mode */
export function assertTraining({ model }: TrainStep, { iteration }: StepContext): void {
  if (model.training) return;
  throw new HooklineError('HKL_EVAL_MODE', 'the model was changed to eval mode', {
    who: `model "${model.name}"`,
    where: `iteration ${iteration}`,
    fix: 'Evaluate within inEvalMode(model, ...), which puts the mode back, or set model.training = true',
  });
}

/** Returns the period of the check in steps, 0 for never. @throws HooklineError `HKL_STEP_OPTION` */
export function checkPeriod(check: CheckFinite): number {
  if (check === 'always') return 1;
  if (check === 'off') return 0;
  if (Number.isInteger(check) && check > 0) return check;
  throw new HooklineError('HKL_STEP_OPTION', `checkFinite is ${String(check)}`, {
    who: 'step runner',
    fix: "Give 'always', 'off' or a number of steps",
  });
}
