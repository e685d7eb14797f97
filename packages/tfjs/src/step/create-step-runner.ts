import { HooklineError, type StepPhases, type StepRunner } from '@hookline/core';
import type { BatchSource } from '../batch/batch-source.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { EagerStepRunner, type CheckFinite } from './eager-runner.ts';
import type { StepScope } from './step-scope.ts';
import { TrainStep } from './train-step.ts';

/** Whether the step is captured as a graph: where it can be, never, or else it is an error. */
export type CaptureMode = 'auto' | 'off' | 'required';

/** Options of {@link createStepRunner}. */
export interface StepRunnerOptions {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly source: BatchSource;
  readonly phases: StepPhases;
  readonly scope: StepScope;
  /** @default 'auto' */
  readonly capture?: CaptureMode;
  /** @default 'always' */
  readonly checkFinite?: CheckFinite;
}

/**
 * The step runner for a model, an optimizer and data (detectron2's SimpleTrainer).
 *
 * @throws HooklineError `HKL_CAPTURE_UNSUPPORTED` when capture is required and there is none, `HKL_STEP_OPTION`
 */
export function createStepRunner(options: StepRunnerOptions): StepRunner {
  const { source, capture = 'auto', checkFinite } = options;
  if (capture === 'required') {
    throw new HooklineError('HKL_CAPTURE_UNSUPPORTED', 'steps cannot be captured here', {
      who: 'option capture',
      fix: "Use capture: 'auto' or 'off'",
    });
  }
  return new EagerStepRunner({ step: new TrainStep(options), source, checkFinite });
}
