import type * as tf from '@tensorflow/tfjs';
import { batchStatistics, type BatchNorm } from './batch-norm.ts';
import { flattenLayers, nameWeights } from './layer-names.ts';

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: { readonly training?: boolean }) => tf.Tensor | tf.Tensor[];

interface BatchNormLayer extends Omit<tf.layers.Layer, 'call'> {
  readonly axis: number;
  readonly movingMean: { read(): tf.Variable };
  readonly movingVariance: { read(): tf.Variable };
  call?: Call;
}

/** The batch-norm layers of a tf.layers model that are not frozen, by the stable names of their weights. */
export function layersBatchNorms(model: tf.LayersModel): readonly BatchNorm[] {
  const names = new Map(nameWeights(model).map(({ name, variable }) => [variable, name]));
  return [...flattenLayers(model.layers)]
    .filter((layer) => layer.getClassName() === 'BatchNormalization' && layer.trainable)
    .map((layer) => {
      const norm = layer as unknown as BatchNormLayer;
      const mean = norm.movingMean.read();
      const name = (names.get(mean) ?? layer.name).replace(/\/[^/]*$/, '');
      return { name, mean, variance: norm.movingVariance.read(), watch: (listener) => watchLayer(norm, listener) };
    });
}

function watchLayer(layer: BatchNormLayer, listener: Parameters<BatchNorm['watch']>[0]): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  const original = layer.call as Call;
  layer.call = function call(this: unknown, inputs, kwargs) {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    if (kwargs.training === true && x !== undefined) listener(batchStatistics(x, layer.axis));
    return original.call(this, inputs, kwargs);
  };
  return () => {
    if (own === undefined) delete layer.call;
    else Object.defineProperty(layer, 'call', own);
  };
}
