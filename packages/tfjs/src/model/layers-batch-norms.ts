import type tf from '#tfjs';
import { batchStatistics, type BatchNorm } from './batch-norm.ts';
import { freezeBatchNorm, isFrozenBatchNorm } from './frozen-batch-norms.ts';
import { batchNormLayers, type CallableLayer, nameWeights } from './layer-names.ts';

interface BatchNormLayer extends CallableLayer {
  readonly axis: number;
  readonly movingMean: { read(): tf.Variable };
  readonly movingVariance: { read(): tf.Variable };
}

/**
 * The batch-norm layers of a tf.layers model that are neither frozen nor inside a wrapper, under their stable layer
 * names.
 */
export function layersBatchNorms(model: tf.LayersModel): readonly BatchNorm[] {
  const names = new Map(nameWeights(model).map(({ name, variable }) => [variable, name]));
  return [...batchNormLayers(model)]
    .filter(({ layer, isFrozen, isWrapped }) => !isFrozen && !isWrapped && !isFrozenBatchNorm(layer))
    .map(({ layer }) => {
      const norm = layer as BatchNormLayer;
      const mean = norm.movingMean.read();
      const name = (names.get(mean) ?? layer.name).replace(/\/[^/]*$/, '');
      return {
        name,
        mean,
        variance: norm.movingVariance.read(),
        watch: (listener) => watchLayer(norm, listener),
        freeze: (asked) => freezeBatchNorm(layer, asked),
      };
    });
}

function watchLayer(layer: BatchNormLayer, listener: Parameters<BatchNorm['watch']>[0]): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the layer as its `this` below
  const original = layer.call;
  layer.call = function call(this: CallableLayer, inputs, kwargs) {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    if (kwargs.training === true && x !== undefined) listener(batchStatistics(x, layer.axis));
    return original.call(this, inputs, kwargs);
  };
  return () => {
    if (own === undefined) delete (layer as Partial<BatchNormLayer>).call;
    else Object.defineProperty(layer, 'call', own);
  };
}
