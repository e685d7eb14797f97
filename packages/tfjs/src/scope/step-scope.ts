import { defineService, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { StepInput } from './step-input.ts';
import type { StepRandom } from './step-random.ts';
import type { StepVariant, VariantValue } from './step-variant.ts';

/** Options of {@link StepScope.variable}. */
export interface StepVariableOptions {
  /** Whether checkpoints include it. @default true */
  readonly saved?: boolean;
}

/**
 * What a sync tap, a loss or an optimizer may use inside a step besides its tensors. A step may be recorded once as a
 * graph and then replayed. So changing host numbers, host choices, state and random numbers are declared here, each
 * under its own name. Declare inputs, variants and variables before the first step, in a plugin's `setup`.
 *
 * Runners and the trainer use a larger interface, which plugins do not receive.
 */
export interface StepScope {
  /**
   * Declares a host number that may change from step to step, such as a learning rate.
   *
   * @param read returns the number; called at each step
   * @returns an object whose `tensor()` is the number inside the step, a float32 scalar
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`; inside a step, `HKL_STEP_INPUT` when `read` returns no number
   */
  input(name: string, read: () => number): Pick<StepInput<tf.Scalar>, 'name' | 'tensor'>;

  /**
   * Declares a host choice that changes what the step computes, such as whether it logs: what JAX calls a static argument
   * of a compiled function. Each combination of choices is recorded and kept as its own graph, so use few values.
   *
   * @param read returns the choice; called at each step
   * @returns an object whose `value` is the choice, fixed for the whole step
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`
   */
  variant<T extends VariantValue>(name: string, read: () => T): Pick<StepVariant<T>, 'name' | 'value'>;

  /**
   * Creates a variable that belongs to the step: it is captured with the step, saved in checkpoints, and restored when
   * a step fails before its update. A plugin that is set up anew and requests the same name gets the same variable,
   * with its value.
   *
   * @param init the first value, of any shape and dtype. A tensor that a function returns is disposed of; a tensor that
   * is passed directly is not
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`; inside a step, `HKL_STEP_VARIABLE_LATE`
   */
  variable(name: string, init: tf.Tensor | (() => tf.Tensor), options?: StepVariableOptions): tf.Variable;

  /**
   * Declares random tensors under this name. Their numbers depend only on the run's seed, the name, the iteration and
   * how many tensors of this name the step has already drawn.
   *
   * @returns an object with `uniform(shape, min?, max?)` and `normal(shape, mean?, stddev?)`, both float32
   */
  random(name: string): Pick<StepRandom, 'name' | 'uniform' | 'normal'>;

  /**
   * Reports a scalar of the step in progress. The engine stores it under this name without waiting for its value, which
   * is read only on demand. While one of several parts is updated, the part's name is the prefix, as in
   * `generator/grad_norm`.
   *
   * @param value a tensor of one element, of any dtype; the caller keeps ownership
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step is running, `HKL_STEP_NAME_TAKEN` when this step has already
   * reported it
   */
  metric(name: string, value: tf.Scalar): void;

  /**
   * Says whether the step in progress, or the part that it is updating, makes its update. When it is called several
   * times in a step, every condition must be true.
   *
   * - `false` on the host, for example while gradients are accumulated for a later step: no further tap of `gradients`
   *   and no tap of `update` or `afterUpdate` is called, and the optimizer changes nothing. A {@link StepScope.variant}
   *   must decide which steps these are.
   * - A boolean on the device, which the host need not know: the update is computed. Where the boolean is false, every
   *   assignment to a variable by the optimizer or by the taps of `update` and `afterUpdate` is undone.
   *
   * In both cases, changes made by the model and by the taps of `batch`, `losses` and `gradients` remain.
   *
   * @param condition true or false, or a scalar of dtype bool
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step is running, `HKL_UPDATE_BEGUN` when the update is already
   * running, `HKL_UPDATE_CONDITION` for anything but one boolean
   */
  updateIf(condition: tf.Scalar | boolean): void;

  /**
   * The logical AND of all device conditions given to {@link StepScope.updateIf} so far in this step: a scalar of dtype
   * bool, which the scope owns; undefined when there are none.
   */
  readonly updateCondition: tf.Scalar | undefined;

  /**
   * Scales the loss, for reduced precision: the step takes the gradients of s·loss and divides them by s before any tap
   * sees them. The losses that are reported and checked stay unscaled. Call it in `setup`.
   *
   * @param scale returns s inside each step, a float32 scalar above 0: a step variable, or the tensor of an input
   * @throws HooklineError `HKL_STEP_NAME_TAKEN` when there is already a loss scale
   */
  scaleLoss(scale: () => tf.Scalar): void;
}

/** What plugins may use inside a step. Provided by `SimpleTrainer`, `DefaultTrainer` and {@link tfjsRuntime}. */
export const stepScopeRef: WeakServiceRef<StepScope> = defineService<StepScope>('stepScope', {
  description: 'inputs, variables and random tensors inside the step (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});
