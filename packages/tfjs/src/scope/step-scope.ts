import { defineService, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { StepInput } from './step-input.ts';
import type { StepRandom } from './step-random.ts';
import type { StepVariant, VariantValue } from './step-variant.ts';

/** How {@link StepScope.variable} makes a variable. */
export interface StepVariableOptions {
  /** Whether checkpoints hold it. @default true */
  readonly saved?: boolean;
}

/**
 * What a sync tap, a loss or an optimizer may use inside a step besides its tensors. A step may be recorded once as a graph
 * and replayed, so a number or a choice of the host that changes, memory and random numbers are declared here, each under
 * a name of its own. Declare inputs, variants and variables before the first step, in a plugin's `setup`.
 *
 * Runners and the trainer have the other half of it, which no plugin is given.
 */
export interface StepScope {
  /**
   * A number of the host that may change from step to step, such as a learning rate.
   *
   * @param read gives the number; called at each step
   * @returns `tensor()` is the number inside the step, a float32 scalar
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`; inside a step `HKL_STEP_INPUT` where `read` gives no number
   */
  input(name: string, read: () => number): Pick<StepInput<tf.Scalar>, 'name' | 'tensor'>;

  /**
   * A choice of the host that changes what the step computes, such as whether it logs. Each combination of choices is
   * recorded and kept as a graph of its own, so give it few values.
   *
   * @param read gives the choice; called at each step
   * @returns `value` is the choice, the same for the whole of a step
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`
   */
  variant<T extends VariantValue>(name: string, read: () => T): Pick<StepVariant<T>, 'name' | 'value'>;

  /**
   * A variable that lives with the step: captured with it, saved in checkpoints, and put back where a step fails before its
   * update. A plugin that is set up anew and asks for the same name gets the same variable, with its value.
   *
   * @param init its first value, of any shape and dtype; a tensor that a function makes is disposed of here, one that is
   * given is not
   * @throws HooklineError `HKL_STEP_NAME_TAKEN`, `HKL_STEP_VARIABLE_LATE` inside a step
   */
  variable(name: string, init: tf.Tensor | (() => tf.Tensor), options?: StepVariableOptions): tf.Variable;

  /**
   * Random tensors of this name. Their numbers depend on the run's seed, the name, the iteration and how many the step has
   * drawn before of this name, on nothing else.
   *
   * @returns `uniform(shape, min?, max?)` and `normal(shape, mean?, stddev?)`, both float32
   */
  random(name: string): Pick<StepRandom, 'name' | 'uniform' | 'normal'>;

  /**
   * Reports a scalar of the step in progress. The engine stores it under this name, and nobody waits for it: it is read
   * when somebody asks. While one of several parts is updated, the part's name comes before it, as in `generator/grad_norm`.
   *
   * @param value a tensor of one element, of any dtype; stays the caller's
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step runs, `HKL_STEP_NAME_TAKEN` when this step has reported it
   */
  metric(name: string, value: tf.Scalar): void;

  /**
   * Says whether the step in progress, or the part that it is updating, makes its update. Asked several times in a step,
   * every condition must be true.
   *
   * - `false`, of the host, such as while gradients are added up for a later step: no further tap of `gradients` is called,
   *   nor one of `update` and `afterUpdate`, and the optimizer changes nothing. Which steps these are must be the choice of
   *   a {@link StepScope.variant}.
   * - A boolean on the device, which the host need not know: the update is computed, and where the boolean is false, whatever the
   *   optimizer and the taps of `update` and `afterUpdate` have assigned to any variable is undone.
   *
   * What the model and the taps of `batch`, `losses` and `gradients` have changed stays in either case.
   *
   * @param condition true or false, or a scalar of dtype bool
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step runs, `HKL_UPDATE_BEGUN` when the update runs already,
   * `HKL_UPDATE_CONDITION` for anything but one boolean
   */
  updateIf(condition: tf.Scalar | boolean): void;

  /**
   * The conditions on the device that {@link StepScope.updateIf} has been given in the step so far, joined: a scalar of
   * dtype bool, which stays the scope's; undefined where there are none.
   */
  readonly updateCondition: tf.Scalar | undefined;

  /**
   * Scales the loss, for reduced precision: gradients are taken of s·loss and divided by s before any tap sees them. The
   * losses themselves, as they are reported and checked, stay as they are. Call it in `setup`.
   *
   * @param scale gives s inside each step, a float32 scalar above 0: a step variable, or the tensor of an input
   * @throws HooklineError `HKL_STEP_NAME_TAKEN` when there is a loss scale already
   */
  scaleLoss(scale: () => tf.Scalar): void;
}

/** What plugins may use inside a step. Provided by `SimpleTrainer`, `DefaultTrainer` and {@link tfjsRuntime}. */
export const stepScopeRef: WeakServiceRef<StepScope> = defineService<StepScope>('stepScope', {
  description: 'inputs, variables and random tensors inside the step (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});
