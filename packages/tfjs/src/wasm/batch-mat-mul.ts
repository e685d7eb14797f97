import tf from '#tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * The backend multiplies transposed matrices element by element. Transposing them first is five to ten times as fast.
 */
export const batchMatMul: ComposedKernel<Attributes> = {
  name: 'BatchMatMul',
  run({ inputs, attrs }) {
    const { transposeA, transposeB } = attrs;
    const [a, b] = [inputs['a'], inputs['b']];
    if (a === undefined || b === undefined || (!transposeA && !transposeB)) return undefined;
    return tf.matMul(transposeA ? transposeMatrices(a) : a, transposeB ? transposeMatrices(b) : b);
  },
};

function transposeMatrices(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}
