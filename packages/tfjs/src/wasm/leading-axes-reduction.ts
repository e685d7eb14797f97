import * as tf from '@tensorflow/tfjs';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/**
 * Sums and means per channel (bias gradients, batch norm) as a product with a row of ones. The backend would transpose
 * the whole tensor first, which takes twenty times as long. The order of the additions stays the same.
 */
function reduction(name: 'Sum' | 'Mean'): ComposedKernel<Attributes> {
  return {
    name,
    run({ inputs, attrs }) {
      const x = inputs['x'];
      if (x?.dtype !== 'float32') return undefined;
      const axes = tf.util.parseAxisParam(attrs.axis, x.shape).sort((a, b) => a - b);
      const isLeading = axes.length > 0 && axes.length < x.rank && axes.every((axis, index) => axis === index);
      if (!isLeading) return undefined;
      const kept = x.shape.slice(axes.length);
      const channels = tf.util.sizeFromShape(kept);
      const count = x.size / Math.max(channels, 1);
      if (channels === 0 || count === 0) return undefined;
      const row = tf.matMul(tf.ones([1, count]), tf.reshape(x, [count, channels]));
      const shape = attrs.keepDims ? [...axes.map(() => 1), ...kept] : kept;
      return tf.reshape(name === 'Mean' ? tf.div(row, count) : row, shape);
    },
  };
}

export const sumOverLeadingAxes = reduction('Sum');
export const meanOverLeadingAxes = reduction('Mean');
