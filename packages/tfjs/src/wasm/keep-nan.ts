import tf from '#tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

// The backend's own kernels turn NaN into a number, so a step with a NaN would continue with a finite loss. Its maximum
// and minimum return NaN when the first operand is NaN, but drop a NaN in the second operand.

/** tf.clipByValue, which implements hard sigmoid and thus the gates of recurrent layers. */
export const clipByValue: ComposedKernel<{ readonly clipValueMin: number; readonly clipValueMax: number }> = {
  name: 'ClipByValue',
  run({ inputs: { x }, attrs: { clipValueMin, clipValueMax } }) {
    if (x?.dtype !== 'float32') return undefined;
    return tf.minimum(tf.maximum(x, clipValueMin), clipValueMax);
  },
};

/** min(max(x, 0), 6). */
export const relu6: ComposedKernel = {
  name: 'Relu6',
  run: ({ inputs: { x } }) => (x?.dtype === 'float32' ? tf.minimum(tf.relu(x), 6) : undefined),
};

/**
 * tf.maximum and tf.minimum for a second operand with NaN: the result is NaN at those positions, whatever the first
 * holds.
 */
export const [maximum, minimum] = (['Maximum', 'Minimum'] as const).map((name): ComposedKernel => ({
  name,
  run({ inputs: { a, b }, backend, own }) {
    if (a?.dtype !== 'float32' || b?.dtype !== 'float32') return undefined;
    if (!backend.typedArrayFromHeap(b).some(Number.isNaN)) return undefined;
    return tf.where(tf.isNaN(b), b, own());
  },
})) as [ComposedKernel, ComposedKernel];
