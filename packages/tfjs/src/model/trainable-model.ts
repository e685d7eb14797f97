import { defineService, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { Optimizer } from '../parameters/optimizer.ts';
import type { StepScope } from '../scope/step-scope.ts';
import type { WeightTable } from './weight-table.ts';
import type { BatchNorm } from './batch-norm.ts';
import type { NamedParameters } from '../parameters/parameter-kind.ts';

/**
 * What a model's losses are: one float32 scalar, or named ones that are summed. The type takes any tensors, since TypeScript
 * before 6.0 does not see that `tf.losses` return scalars here; the first step refuses others (`HKL_LOSS_NOT_SCALAR`).
 */
export type ModelLosses = tf.Tensor | Readonly<Record<string, tf.Tensor>>;

/**
 * A model as a step runner sees it.
 *
 * Names of variables are the same in every process and for every rebuilt copy of the model, since checkpoints and
 * parameter groups go by them. They read `layer/weight`.
 */
export interface TrainableModel extends NamedParameters {
  /** Train mode or eval mode: whether dropout drops and batch norm uses the batch's own statistics. */
  training: boolean;
  /**
   * The losses of one batch on the device, a pure function of tensors. In train mode it may assign the variables of
   * {@link TrainableModel.state}, such as moving averages.
   *
   * @param scope inside a train step, for random tensors (`scope.random`) and for what shall be stored (`scope.metric`)
   */
  losses(batch: unknown, scope?: StepScope): ModelLosses;
  /** Every other variable, by name: frozen weights, moving averages. With `trainable` it is the whole model. */
  state(): ReadonlyMap<string, tf.Variable>;
  /**
   * Brings variables back to what they are constrained to, such as a largest norm. Called after each update.
   *
   * @param updated names of those that the update has changed; others stay as they are, to the bit
   */
  constrain?(updated: ReadonlySet<string>): void;
  /** What {@link TrainableModel.predict} takes, from a batch on the device; for whoever evaluates whole batches. */
  inputs?(batch: unknown): unknown;
  /** Its batch-norm layers that use the batch's own statistics in train mode. Without it there are none to be found. */
  batchNorms?(): readonly BatchNorm[];
  /** Outputs for inputs on the device, in the mode that `training` says. The caller disposes them. */
  predict?(inputs: unknown): unknown;
  /** What its variables are called in PyTorch's files, and how their axes lie there; for pretrained weights. */
  weightTable?(): WeightTable;
  /**
   * What each iteration updates in turn, by name and in order, each by an optimizer of its own; see `alternatingModel`.
   * Variables have the same names here and there. A model without parts is updated as a whole.
   */
  readonly parts?: ReadonlyMap<string, PartModel>;
}

/** One of the parts of a model that are updated in turn. */
export interface PartModel extends TrainableModel {
  /** It is updated in every how many iterations: in those whose number plus 1 is a multiple of it. */
  readonly period: number;
  /** Makes the optimizer that updates it. */
  makeOptimizer(): Optimizer;
}

export const modelRef: WeakServiceRef<TrainableModel> = defineService<TrainableModel>('model', {
  description: 'the model that is trained (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});

/** All variables of a model by name, the trainable ones first. */
export function modelVariables(model: TrainableModel): ReadonlyMap<string, tf.Variable> {
  return new Map([...model.trainable(), ...model.state()]);
}
