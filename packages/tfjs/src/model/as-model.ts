import { HooklineError, isPlainObject } from '@hookline/core';
import tf from '#tfjs';
import { functionModel } from './function-model.ts';
import { layersModel } from './layers-model.ts';
import type { TrainableModel } from './trainable-model.ts';

/** Anything with variables to train: a model of Hookline's, a tf.layers model, or variables by name. */
export type ModelLike = TrainableModel | tf.LayersModel | Readonly<Record<string, tf.Variable>>;

/** The models made here, so that an optimizer and a checkpoint refer to the same one. */
const made = new WeakMap<object, TrainableModel>();

/**
 * Returns a model with names and variables, for the optimizers and checkpoints of a user-defined step. A tf.layers
 * model has the names that `layersModel` gives it. Variables keep their keys as names, and those with `trainable:
 * false` are state.
 *
 * @throws HooklineError `HKL_MODEL_INVALID` for any other value, `HKL_MODEL_NOT_BUILT`, `HKL_MODEL_VARIABLE`
 */
export function asModel(given: ModelLike): TrainableModel {
  if (isTrainableModel(given)) return given;
  const known = typeof given === 'object' ? made.get(given) : undefined;
  if (known !== undefined) return known;
  let model: TrainableModel;
  if (given instanceof tf.LayersModel) model = layersModel(given, { loss: noLoss });
  else if (isPlainObject(given)) model = functionModel({ variables: given, losses: noLoss });
  else {
    throw new HooklineError('HKL_MODEL_INVALID', 'the model is neither a model nor variables by name', {
      who: 'option model',
      fix: 'Give layersModel(...), functionModel(...), a model of tf.layers, or variables by name: { w, b }',
    });
  }
  made.set(given, model);
  return model;
}

function isTrainableModel(value: unknown): value is TrainableModel {
  const { losses, trainable, state } = (value ?? {}) as Partial<TrainableModel>;
  return [losses, trainable, state].every((method) => typeof method === 'function');
}

function noLoss(): never {
  throw new HooklineError('HKL_MODEL_INVALID', 'this model was given without a loss', {
    who: 'model.losses',
    fix: 'Say what its loss is: layersModel(net, { loss: (outputs, batch) => ... }), or functionModel({ variables, losses })',
  });
}
