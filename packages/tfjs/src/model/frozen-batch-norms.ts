import type tf from '#tfjs';
import { batchNormLayers, type CallableLayer } from './layer-names.ts';

/** The frozen batch-norm layers of models that are trained. */
const frozen = new WeakSet<object>();
/** The layers whose `call` checks {@link frozen}. */
const patched = new WeakSet<object>();

/**
 * Keeps frozen batch norms fixed, as in Keras. A layer with `trainable = false`, or inside a model with `trainable =
 * false`, normalises by its moving statistics in train mode too, and does not change them. By itself, tf.layers would
 * use the batch's statistics and update the averages. The flags are read once, here; a layer that is no longer frozen
 * updates its averages again.
 */
export function keepFrozenBatchNorms(model: tf.LayersModel): void {
  for (const { layer, isFrozen } of batchNormLayers(model)) {
    freezeBatchNorm(layer, isFrozen);
  }
}

/** Freezes or unfreezes one layer, from its next pass on. */
export function freezeBatchNorm(layer: CallableLayer, isFrozen: boolean): void {
  if (isFrozen) frozen.add(layer);
  else frozen.delete(layer);
  if (isFrozen && !patched.has(layer)) patchCall(layer);
}

/** Whether the layer is frozen, either by {@link freezeBatchNorm} or because it is not trained. */
export const isFrozenBatchNorm = (layer: CallableLayer): boolean => frozen.has(layer);

function patchCall(layer: CallableLayer): void {
  patched.add(layer);
  layer.call = function call(this: CallableLayer, inputs, kwargs) {
    // Look up the method of the class at each call, because a step runner replaces it with a faster one.
    const prototype = Object.getPrototypeOf(this) as CallableLayer;
    return prototype.call.call(this, inputs, frozen.has(this) ? { ...kwargs, training: false } : kwargs);
  };
}
