import type { NamedTensors } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { globalNorm, pNorm } from './p-norm.ts';

/** Keeps the division finite if all gradients are 0, as in PyTorch's clip_grad_norm_. */
const EPSILON = 1e-6;

/** Limits each element to [-clip, clip]. */
export function clipByValue(gradients: NamedTensors, clip: number): NamedTensors {
  return mapTensors(gradients, (gradient) => gradient.clipByValue(-clip, clip));
}

/** Scales each gradient g to g · min(1, clip / (‖g‖_p + 1e-6)). */
export function clipByNorm(gradients: NamedTensors, clip: number, p: number | 'inf'): NamedTensors {
  return mapTensors(gradients, (gradient) => tf.tidy(() => gradient.mul(scaleOf(pNorm(gradient, p), clip))));
}

/**
 * Scales all gradients by the same factor min(1, clip / (‖g‖_p + 1e-6)), with the norm over all of them.
 *
 * @param norm the norm, if it is already known
 */
export function clipByGlobalNorm(
  gradients: NamedTensors,
  clip: number,
  p: number | 'inf',
  norm: tf.Scalar = globalNorm(Object.values(gradients), p),
): NamedTensors {
  const scale = scaleOf(norm, clip);
  return mapTensors(gradients, (gradient) => gradient.mul(scale));
}

function scaleOf(norm: tf.Scalar, clip: number): tf.Scalar {
  return tf.tidy(() => tf.minimum(1, tf.div(clip, norm.add(EPSILON))));
}

function mapTensors(tensors: NamedTensors, fn: (tensor: tf.Tensor) => tf.Tensor): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, fn(tensor)]));
}
