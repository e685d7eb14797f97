import { HooklineError, type StepHooks, type StepRunner, type TapWatch } from '@hookline/core';
import type { BatchSource } from '../batch/batch-source.ts';
import { CapturedStepRunner, type CaptureMode } from './captured-runner.ts';
import type { Precision } from '../graph/precision.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { EagerStepRunner, type CheckFinite } from './eager-runner.ts';
import type { RunnerScope } from '../scope/runner-scope.ts';
import { TrainStep } from '../step/train-step.ts';

/** Options of {@link createStepRunner}. */
export interface StepRunnerOptions {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly source: BatchSource;
  readonly hooks: StepHooks;
  /** The scope of the step; plugins, models and optimizers get its facade. */
  readonly scope: RunnerScope;
  /** Whether the step runs as a captured graph. @default 'auto' */
  readonly capture?: CaptureMode | undefined;
  /** The dtype of convolutions and matrix products in a captured step. @default 'float32' */
  readonly precision?: Precision | undefined;
  /** When losses and gradients are checked to be finite. @default 'always' */
  readonly checkFinite?: CheckFinite | undefined;
  /** Tells which tap is running, so that an error of capture can name it. */
  readonly taps?: TapWatch | undefined;
  /** Called with lines that say whether the step was captured, and why not. @default no log */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * Makes the step runner for a model, an optimizer and data (detectron2's SimpleTrainer).
 *
 * @throws HooklineError `HKL_CAPTURE_BACKEND` when capture is required and the backend runs no graphs,
 * `HKL_PRECISION_UNSUPPORTED` for a precision that the machine or eager steps lack, `HKL_STEP_OPTION` for an unknown value of
 * `capture` or `checkFinite`
 */
export function createStepRunner(options: StepRunnerOptions): StepRunner {
  const { source, capture = 'auto', checkFinite, precision, taps, log } = options;
  if (!['auto', 'off', 'required'].includes(capture)) {
    throw new HooklineError('HKL_STEP_OPTION', `capture is ${JSON.stringify(capture)}`, {
      who: 'step runner',
      fix: "Give 'auto', 'off' or 'required'",
    });
  }
  const step = new TrainStep(options);
  if (capture === 'off') {
    if (precision === 'bfloat16' || precision === 'float16') throw needsCapture(precision);
    return new EagerStepRunner({ step, source, checkFinite });
  }
  return new CapturedStepRunner({ step, source, capture, precision, checkFinite, taps, log });
}

const needsCapture = (precision: Precision): HooklineError =>
  new HooklineError('HKL_PRECISION_UNSUPPORTED', `eager steps run in float32, not in ${precision}`, {
    who: 'option precision',
    fix: "Set capture: 'auto' or 'required', or precision: 'float32'",
  });
