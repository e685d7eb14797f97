import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';

/**
 * @throws HooklineError `HKL_MODEL_INVALID` for a value that is not a model for a step, such as a bare tf.layers model
 */
export function assertModel(model: unknown): TrainableModel {
  if (has(model, ['losses', 'trainable', 'state'])) return model as unknown as TrainableModel;
  const isLayers = model instanceof tf.LayersModel;
  throw new HooklineError('HKL_MODEL_INVALID', `the model is ${isLayers ? 'a bare tf.layers model' : nameOf(model)}`, {
    who: 'option model',
    fix: isLayers
      ? 'Say what its loss is: layersModel(model, { loss: (outputs, batch) => ... })'
      : 'Give layersModel(...), functionModel(...), or an object with losses, trainable and state',
  });
}

/**
 * @throws HooklineError `HKL_OPTIMIZER_INVALID` for a value that is not an optimizer for a step, such as a bare one of
 * tf.train
 */
export function assertOptimizer(optimizer: unknown): Optimizer {
  if (has(optimizer, ['apply', 'slots'])) return optimizer as unknown as Optimizer;
  const isTfjs = optimizer instanceof tf.Optimizer;
  throw new HooklineError(
    'HKL_OPTIMIZER_INVALID',
    `the optimizer is ${isTfjs ? 'a bare one of tf.train' : nameOf(optimizer)}`,
    {
      who: 'option optimizer',
      fix: isTfjs
        ? 'Let it be told of the model: optimizer: (model) => tfjsOptimizer(model, tf.train...)'
        : 'Give (model) => sgd(model, { learningRate }), adam, adamW or tfjsOptimizer',
    },
  );
}

const has = (value: unknown, methods: readonly string[]): value is object =>
  typeof value === 'object' &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

function nameOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  const name = (value.constructor as { name?: string } | undefined)?.name;
  return name === undefined || name === 'Object' ? 'an object without the methods of one' : `a ${name}`;
}
