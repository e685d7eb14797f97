import tf from '#tfjs';
import { convSizes, padOrCrop, spread, type ConvAttributes } from './conv2d-shapes.ts';
import type { ComposedKernel } from './wasm-kernel.ts';

interface DepthwiseAttributes extends ConvAttributes {
  readonly dilations: number | [number, number];
}

interface FilterAttributes extends DepthwiseAttributes {
  readonly filterShape: [number, number, number, number];
}

interface InputAttributes extends DepthwiseAttributes {
  readonly inputShape: [number, number, number, number];
}

/** Gradient of a depthwise convolution with respect to its filter: one product and one sum per filter tap. */
export const depthwiseFilterGradient: ComposedKernel<FilterAttributes> = {
  name: 'DepthwiseConv2dNativeBackpropFilter',
  run({ inputs, attrs }) {
    const [x, dy] = [inputs['x'] as tf.Tensor4D, inputs['dy'] as tf.Tensor4D];
    const [height, width, channels, multiplier] = attrs.filterShape;
    const sizes = convSizes(x.shape, attrs.filterShape, attrs, true, attrs.dilations);
    const { top, bottom, left, right } = sizes.padInfo;
    const padded = padOrCrop(x, [top, bottom], [left, right]);
    // Strided slices are slow in this backend. With zeros between the pixels of dY, every window is contiguous.
    const spreadOut = spread(dy, sizes.strideHeight, sizes.strideWidth);
    const [batch, rows, columns] = spreadOut.shape;
    const taps: tf.Tensor[] = [];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const corner: [number, number, number, number] = [0, i * sizes.dilationHeight, j * sizes.dilationWidth, 0];
        const window = tf.slice(padded, corner, [batch, rows, columns, channels]);
        taps.push(tf.sum(tf.mul(repeatChannels(window, multiplier), spreadOut), [0, 1, 2]));
      }
    }
    return tf.reshape(tf.stack(taps), attrs.filterShape);
  },
};

/**
 * Gradient of a depthwise convolution with respect to its input: a depthwise convolution with the filter rotated by 180
 * degrees.
 */
export const depthwiseInputGradient: ComposedKernel<InputAttributes> = {
  name: 'DepthwiseConv2dNativeBackpropInput',
  run({ inputs, attrs }) {
    const [dy, filter] = [inputs['dy'] as tf.Tensor4D, inputs['filter'] as tf.Tensor4D];
    const { inputShape } = attrs;
    const [height, width, channels, multiplier] = filter.shape;
    const sizes = convSizes(inputShape, filter.shape, attrs, true, attrs.dilations);
    const { dilationHeight, dilationWidth, padInfo } = sizes;
    const reach = [(height - 1) * dilationHeight, (width - 1) * dilationWidth] as const;
    const spreadOut = spread(dy, sizes.strideHeight, sizes.strideWidth);
    const [top, left] = [reach[0] - padInfo.top, reach[1] - padInfo.left];
    const bottom = inputShape[1] + reach[0] - top - spreadOut.shape[1];
    const right = inputShape[2] + reach[1] - left - spreadOut.shape[2];
    const padded = padOrCrop(spreadOut, [top, bottom], [left, right]);
    const turned = tf.reverse(filter, [0, 1]);
    // Output channel c * multiplier + m comes from input channel c, so each m is one depthwise convolution.
    const pixels: [number, number, number] = [padded.shape[0], padded.shape[1], padded.shape[2]];
    const byInput: tf.Tensor3D = tf.reshape(padded, [tf.util.sizeFromShape(pixels), channels, multiplier]);
    const parts = Array.from({ length: multiplier }, (_, m) => {
      const share: tf.Tensor4D = tf.reshape(tf.slice(byInput, [0, 0, m], [-1, -1, 1]), [...pixels, channels]);
      const tap = tf.slice(turned, [0, 0, 0, m], [height, width, channels, 1]);
      return tf.depthwiseConv2d(share, tap, 1, 'valid', 'NHWC', [dilationHeight, dilationWidth]);
    });
    return tf.addN(parts);
  },
};

function repeatChannels(x: tf.Tensor4D, multiplier: number): tf.Tensor4D {
  if (multiplier === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const repeated = tf.tile(tf.reshape(x, [batch * height * width, channels, 1]), [1, 1, multiplier]);
  return tf.reshape(repeated, [batch, height, width, channels * multiplier]);
}
