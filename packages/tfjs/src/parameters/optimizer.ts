import { defineService, type NamedTensors, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { StepInput } from '../scope/step-input.ts';
import type { StepVariant } from '../scope/step-variant.ts';
import type { ParameterGroup } from './parameter-groups.ts';

/** Makes a variable that checkpoints save, such as `scope.variable` with a prefix of the caller's. */
export type MakeVariable = (name: string, init: () => tf.Tensor) => tf.Variable;

/**
 * Updates variables from their gradients inside the step, with pure tensor operations and assignments. It reads no
 * value on the host.
 */
export interface Optimizer {
  /** The name for messages, such as `sgd`. */
  readonly name: string;
  /**
   * The learning rate of the next step. A schedule sets it on the host, and the step reads it as a tensor. Each group
   * multiplies it by its factor.
   */
  learningRate: number;
  /** The groups of parameters with their hyperparameters. */
  readonly groups: readonly ParameterGroup[];
  /** Host numbers that {@link Optimizer.apply} uses; the step's scope adopts them. */
  readonly inputs: readonly StepInput[];
  /** Host choices on which {@link Optimizer.apply} depends; the step's scope adopts them. */
  readonly variants: readonly StepVariant[];
  /** Updates each variable that has a gradient. A variable without a gradient stays unchanged. */
  apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void;
  /**
   * Declares that some parameters, such as frozen ones, miss the first updates. Corrections for an optimizer's first
   * steps, such as Adam's bias corrections, then count only the updates of these parameters, from their first gradient
   * on. Call it before a checkpoint is loaded. Optimizers without such corrections lack this method.
   *
   * @param names the names of the parameters, which all start together
   * @param makeVariable makes the variable that holds the count
   * @returns a function that undoes the declaration
   */
  startLater?(names: readonly string[], makeVariable: MakeVariable): () => void;
  /** The whole state besides the weights, by name. Restoring it continues the training bit for bit. */
  slots(): ReadonlyMap<string, tf.Variable>;
  /** Disposes of the slots. */
  dispose(): void;
  /** The optimizers of a model's parts, by part name. This optimizer then combines all of them. */
  readonly parts?: ReadonlyMap<string, Optimizer>;
}

export const optimizerRef: WeakServiceRef<Optimizer> = defineService<Optimizer>('optimizer', {
  description: 'updates the weights (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});
