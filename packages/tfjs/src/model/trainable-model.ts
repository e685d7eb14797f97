import { defineService, type WeakServiceRef } from '@hookline/core';
import type tf from '#tfjs';
import type { Optimizer } from '../parameters/optimizer.ts';
import type { StepScope } from '../scope/step-scope.ts';
import type { WeightTable } from './weight-table.ts';
import type { BatchNorm } from './batch-norm.ts';
import type { NamedParameters } from '../parameters/parameter-kind.ts';

/**
 * A model's losses: one float32 scalar, or named ones, which are summed. The type accepts any tensors, because
 * TypeScript before 6.0 does not infer that `tf.losses` return scalars here. The first step refuses others
 * (`HKL_LOSS_NOT_SCALAR`).
 */
export type ModelLosses = tf.Tensor | Readonly<Record<string, tf.Tensor>>;

/**
 * A model as a step runner sees it.
 *
 * Variable names, in the form `layer/weight`, are the same in every process and for every rebuilt copy of the model,
 * because checkpoints and parameter groups rely on them.
 */
export interface TrainableModel extends NamedParameters {
  /** Train mode (true) or eval mode: whether dropout is active and batch norm uses the batch's own statistics. */
  training: boolean;
  /**
   * The losses of one batch on the device, a pure function of tensors. In train mode it may assign the variables of
   * {@link TrainableModel.state}, such as moving averages.
   *
   * @param scope defined inside a train step, for random tensors (`scope.random`) and for metrics to store
   * (`scope.metric`)
   */
  losses(batch: unknown, scope?: StepScope): ModelLosses;
  /**
   * All other variables, by name, such as frozen weights and moving averages. With `trainable`, they are the whole
   * model.
   */
  state(): ReadonlyMap<string, tf.Variable>;
  /**
   * Applies the constraints of variables, such as a maximum norm. Called after each update.
   *
   * @param updated names of the variables that the update changed; all others stay bit-identical
   */
  constrain?(updated: ReadonlySet<string>): void;
  /** Extracts the inputs of {@link TrainableModel.predict} from a batch on the device, to evaluate whole batches. */
  inputs?(batch: unknown): unknown;
  /**
   * The batch-norm layers that use the batch's own statistics in train mode. A model without this method exposes none.
   */
  batchNorms?(): readonly BatchNorm[];
  /** The outputs for inputs on the device, in the mode given by `training`. The caller disposes of them. */
  predict?(inputs: unknown): unknown;
  /** The names and axis layouts of the variables in PyTorch's files, for loading pretrained weights. */
  weightTable?(): WeightTable;
  /**
   * The parts that each iteration updates in turn, by name and in order, each with its own optimizer; see
   * `alternatingModel`. Variables have the same names in a part and in the whole. A model without parts is updated as a
   * whole.
   */
  readonly parts?: ReadonlyMap<string, PartModel>;
}

/** A part of a model whose parts are updated in turn. */
export interface PartModel extends TrainableModel {
  /** The part is updated once in this many iterations: when the iteration number plus 1 is a multiple of it. */
  readonly period: number;
  /** Makes the optimizer of this part. */
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
