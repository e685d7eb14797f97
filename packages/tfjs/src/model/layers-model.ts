import { assertKnownOptions, HooklineError } from '@hookline/core';
import * as tf from '@tensorflow/tfjs';
import { keepFrozenBatchNorms } from './frozen-batch-norms.ts';
import { flattenLayers, nameWeights } from './layer-names.ts';
import { layersBatchNorms } from './layers-batch-norms.ts';
import type { ModelLosses, TrainableModel } from './trainable-model.ts';

/** Options of {@link layersModel}. */
export interface LayersModelOptions<Batch, Outputs> {
  /** The losses from the model's outputs and the batch: a scalar, or named scalars. */
  readonly loss: (outputs: Outputs, batch: Batch) => ModelLosses;
  /**
   * The model's inputs in a batch.
   * @default the batch itself if it is a tensor, its first element if it is an array, else its `inputs`, `x` or `xs`
   */
  readonly inputs?: (batch: Batch) => tf.Tensor | tf.Tensor[];
  /** @default the name of the tf.layers model */
  readonly name?: string;
}

/** A tf.layers model in training. */
export interface TrainableLayersModel extends TrainableModel {
  /** The model that was given. */
  readonly layers: tf.LayersModel;
  predict(inputs: unknown): tf.Tensor | tf.Tensor[];
}

/**
 * Makes a tf.layers model trainable. Its regularizers are added to the losses, as `regularization_loss` where they are
 * named. Which weights are trainable is read once, here: freeze layers before. A frozen batch norm stands still, as in
 * Keras: it normalises by its moving statistics, also in train mode, and does not change them.
 *
 * @example layersModel(net, { loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(y, logits) })
 * @throws HooklineError `HKL_MODEL_NOT_BUILT` when the model has no weights yet, `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function layersModel<Batch = { x: tf.Tensor; y: tf.Tensor }, Outputs = tf.Tensor>(
  layers: tf.LayersModel,
  options: LayersModelOptions<Batch, Outputs>,
): TrainableLayersModel {
  assertKnownOptions('layersModel', options, { loss: true, inputs: true, name: true });
  const { loss, name = layers.name, inputs = (batch: Batch) => findInputs(batch, name) } = options;
  const weights = namedWeights(layers, name);
  keepFrozenBatchNorms(layers);
  const trainable = new Map(
    weights.filter((weight) => weight.trainable).map((weight) => [weight.name, weight.variable]),
  );
  const state = new Map(weights.filter((weight) => !weight.trainable).map((weight) => [weight.name, weight.variable]));
  const kinds = new Map(weights.map((weight) => [weight.name, weight.kind]));
  // tfjs asks a sequential model for its regularizers in vain, so its layers are asked.
  const regularized = [...flattenLayers(layers.layers)].filter((layer) => layer.losses.length > 0);
  const predict = (of: unknown): tf.Tensor | tf.Tensor[] =>
    tf.tidy(() => layers.apply(of as tf.Tensor, { training: model.training }) as tf.Tensor | tf.Tensor[]);
  const model: TrainableLayersModel = {
    name,
    layers,
    training: true,
    trainable: () => trainable,
    state: () => state,
    kindOf: (key) => kinds.get(key) ?? 'weight',
    batchNorms: () => layersBatchNorms(layers),
    losses: (batch) => {
      const outputs = layers.apply(inputs(batch as Batch), { training: model.training }) as Outputs;
      const losses = loss(outputs, batch as Batch);
      return regularized.length === 0 ? losses : addRegularization(losses, regularized);
    },
    inputs: (batch) => inputs(batch as Batch),
    predict,
  };
  return model;
}

function namedWeights(layers: tf.LayersModel, name: string): ReturnType<typeof nameWeights> {
  // An unbuilt sequential model raises here, others have no weights.
  let weights: ReturnType<typeof nameWeights> = [];
  let cause: unknown;
  try {
    weights = nameWeights(layers);
  } catch (error) {
    cause = error;
  }
  if (weights.length > 0) return weights;
  throw new HooklineError('HKL_MODEL_NOT_BUILT', 'the model has no weights', {
    who: `model "${name}"`,
    fix: 'Give its first layer an inputShape, or call build(...), before handing it over',
    cause,
  });
}

function addRegularization(losses: ModelLosses, layers: readonly tf.layers.Layer[]): ModelLosses {
  const terms = layers.flatMap((layer) => layer.calculateLosses());
  const regularization = tf.addN(terms.map((term) => term.mean())).asScalar();
  if (losses instanceof tf.Tensor) return losses.add(regularization);
  return { ...losses, regularization_loss: regularization };
}

function findInputs(batch: unknown, name: string): tf.Tensor | tf.Tensor[] {
  if (batch instanceof tf.Tensor) return batch;
  if (Array.isArray(batch) && batch[0] instanceof tf.Tensor) return batch[0];
  const { inputs, x, xs } = (typeof batch === 'object' && batch !== null ? batch : {}) as Record<string, unknown>;
  const found = inputs ?? x ?? xs;
  if (found !== undefined) return found as tf.Tensor;
  const keys = typeof batch === 'object' && batch !== null ? Object.keys(batch).join(', ') : typeof batch;
  throw new HooklineError('HKL_BATCH_INPUTS', `no inputs found in the batch (${keys})`, {
    who: `model "${name}"`,
    fix: 'Say where they are: layersModel(model, { inputs: (batch) => batch.image, ... })',
  });
}
