import type tf from '#tfjs';
import { batchNormLayers, type CallableLayer } from './layer-names.ts';

/** Frozen batch-norm layers of models that are trained. */
const frozen = new WeakSet<object>();
/** Layers whose `call` asks {@link frozen}. */
const guarded = new WeakSet<object>();

/**
 * Lets batch norm stand still where it is frozen, as in Keras: a layer with `trainable = false`, or in a model with it,
 * normalises by its moving statistics in train mode as well, and does not change them. tf.layers itself would use the
 * batch's own, and move the averages. Looked at once, here; an unfrozen layer that was frozen before moves again.
 */
export function keepFrozenBatchNorms(model: tf.LayersModel): void {
  for (const { layer, isFrozen } of batchNormLayers(model)) {
    freezeBatchNorm(layer, isFrozen);
  }
}

/** Lets one layer stand still, or move again, from its next pass on. */
export function freezeBatchNorm(layer: CallableLayer, isFrozen: boolean): void {
  if (isFrozen) frozen.add(layer);
  else frozen.delete(layer);
  if (isFrozen && !guarded.has(layer)) guard(layer);
}

/** Whether a layer stands still by {@link freezeBatchNorm}, or because it is not trained. */
export const isFrozenBatchNorm = (layer: CallableLayer): boolean => frozen.has(layer);

function guard(layer: CallableLayer): void {
  guarded.add(layer);
  layer.call = function call(this: CallableLayer, inputs, kwargs) {
    // The class's own, looked up at each call, since a step runner puts a faster one in its place.
    const prototype = Object.getPrototypeOf(this) as CallableLayer;
    return prototype.call.call(this, inputs, frozen.has(this) ? { ...kwargs, training: false } : kwargs);
  };
}
