import tf from '#tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

// The backend's own kernels make a number of NaN, so that a step which has met it would go on with a finite loss. Its
// maximum and minimum give NaN for one in the first operand, and the second operand for anything beside it.

/** tf.clipByValue, of which hard sigmoid and with it the gates of recurrent layers are made. */
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

/** tf.maximum and tf.minimum where the second operand holds NaN: those places are NaN, whatever the first holds. */
export const [maximum, minimum] = (['Maximum', 'Minimum'] as const).map((name): ComposedKernel => ({
  name,
  run({ inputs: { a, b }, backend, own }) {
    if (a?.dtype !== 'float32' || b?.dtype !== 'float32') return undefined;
    if (!backend.typedArrayFromHeap(b).some(Number.isNaN)) return undefined;
    return tf.where(tf.isNaN(b), b, own());
  },
})) as [ComposedKernel, ComposedKernel];
