import tf from '#tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/**
 * Computes sums and means per channel (bias gradients, batch norm) as average pooling over everything but the channels.
 * The backend would first transpose the whole tensor, which takes at least ten times as long.
 */
function reduction(name: 'Sum' | 'Mean'): ComposedKernel<Attributes> {
  return {
    name,
    run({ inputs, attrs }) {
      const x = inputs['x'];
      if (x?.dtype !== 'float32') return undefined;
      const axes = tf.util.parseAxisParam(attrs.axis, x.shape).sort((a, b) => a - b);
      const isLeading = axes.length > 0 && axes.length < x.rank && axes.every((axis, index) => axis === index);
      const kept = x.shape.slice(axes.length);
      const channels = tf.util.sizeFromShape(kept);
      if (!isLeading || x.size === 0) return undefined;
      const count = x.size / channels;
      // Two stages, because a float32 sum over tens of thousands of values in one row loses digits.
      const batch = x.shape[0];
      const rows = meanOfRows(tf.reshape(x, [1, batch, count / batch, channels]));
      const mean = meanOfRows(tf.reshape(rows, [1, 1, batch, channels]));
      const shape = attrs.keepDims ? [...axes.map(() => 1), ...kept] : kept;
      return tf.reshape(name === 'Mean' ? mean : tf.mul(mean, count), shape);
    },
  };
}

function meanOfRows(x: tf.Tensor4D): tf.Tensor4D {
  return x.shape[2] === 1 ? x : tf.avgPool(x, [1, x.shape[2]], 1, 'valid');
}

export const sumOverLeadingAxes = reduction('Sum');
export const meanOverLeadingAxes = reduction('Mean');
