import { defineService, type NamedTensors, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { StepInput } from '../scope/step-input.ts';
import type { StepVariant } from '../scope/step-variant.ts';
import type { ParameterGroup } from './parameter-groups.ts';

/** Makes a variable that checkpoints hold, such as `scope.variable` with a name of the caller's before this one. */
export type MakeVariable = (name: string, init: () => tf.Tensor) => tf.Variable;

/**
 * Updates variables by their gradients inside the step: pure tensor operations and assignments, nothing is read on
 * the host.
 */
export interface Optimizer {
  /** For messages, such as `sgd`. */
  readonly name: string;
  /**
   * The learning rate of the next step, set on the host by a schedule and read inside the step as a tensor. Each group
   * multiplies it by its factor.
   */
  learningRate: number;
  /** Which parameters have which hyperparameters. */
  readonly groups: readonly ParameterGroup[];
  /** Host numbers that {@link Optimizer.apply} uses; the step's scope takes them over. */
  readonly inputs: readonly StepInput[];
  /** Host choices that {@link Optimizer.apply} goes by; the step's scope takes them over. */
  readonly variants: readonly StepVariant[];
  /** Updates each variable that has a gradient; one without a gradient stays as it is. */
  apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void;
  /**
   * Says that some parameters are left out of the first updates, as frozen ones are: what makes up for an optimizer's beginning,
   * such as the bias corrections of Adam, then counts the updates of these alone, from their first gradient on. Call it before
   * a checkpoint is loaded. Optimizers that make up for nothing have none.
   *
   * @param names of the parameters, which begin together
   * @param makeVariable what the count is kept in
   * @returns a function that takes it back
   */
  startLater?(names: readonly string[], makeVariable: MakeVariable): () => void;
  /** The whole state besides the weights, by name, so that restoring it goes on to the bit. */
  slots(): ReadonlyMap<string, tf.Variable>;
  /** Disposes the slots. */
  dispose(): void;
  /** The optimizers of a model's parts, by the names of the parts. This one is then all of them as one. */
  readonly parts?: ReadonlyMap<string, Optimizer>;
}

export const optimizerRef: WeakServiceRef<Optimizer> = defineService<Optimizer>('optimizer', {
  description: 'updates the weights (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});
