import tf from '#tfjs';
import { convSizes, padOrCrop, type ConvAttributes } from './conv2d-shapes.ts';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes extends ConvAttributes {
  readonly filterShape: [number, number, number, number];
}

/** Below this number of input channels, a product of patches is faster than a convolution over the batch. */
const FEW_CHANNELS = 4;

/**
 * Gradient of a convolution with respect to its filter, which the wasm backend lacks:
 * `dW[i, j, c, o] = sum over n, y, x of X[n, y * stride + i, x * stride + j, c] * dY[n, y, x, o]`.
 *
 * With the channels of X as the batch and the batch as channels, this sum is itself a convolution of X with dY, and its
 * dilation is the stride of the forward pass.
 */
export const conv2dFilterGradient: ComposedKernel<Attributes> = {
  name: 'Conv2DBackpropFilter',
  run({ inputs, attrs }) {
    const [x, dy] = [inputs['x'] as tf.Tensor4D, inputs['dy'] as tf.Tensor4D];
    if (attrs.dataFormat === 'NCHW') return undefined;
    const sizes = convSizes(x.shape, attrs.filterShape, attrs);
    const { top, bottom, left, right } = sizes.padInfo;
    const padded = padOrCrop(x, [top, bottom], [left, right]);
    const { strideHeight, strideWidth, inChannels } = sizes;
    const stride1 = strideHeight === 1 && strideWidth === 1;
    const pointwise = sizes.filterHeight === 1 && sizes.filterWidth === 1;
    if (stride1 && (pointwise || inChannels < FEW_CHANNELS)) return byPatches(padded, dy, attrs.filterShape);
    return byConvolution(padded, dy, attrs.filterShape, [strideHeight, strideWidth]);
  },
};

function byConvolution(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  shape: Attributes['filterShape'],
  strides: [number, number],
): tf.Tensor {
  const [height, width, inputs, outputs] = shape;
  const channelsAsBatch: tf.Tensor4D = tf.transpose(x, [3, 1, 2, 0]);
  const asFilter: tf.Tensor4D = tf.transpose(dy, [1, 2, 0, 3]);
  let sums = tf.conv2d(channelsAsBatch, asFilter, 1, 'valid', 'NHWC', strides);
  // Input rows that no stride reaches give extra sums beyond the filter's size.
  if (sums.shape[1] !== height || sums.shape[2] !== width) {
    sums = tf.slice(sums, [0, 0, 0, 0], [inputs, height, width, outputs]);
  }
  return tf.transpose(sums, [1, 2, 0, 3]);
}

function byPatches(x: tf.Tensor4D, dy: tf.Tensor4D, shape: Attributes['filterShape']): tf.Tensor {
  const [height, width, inputs, outputs] = shape;
  const [batch, rows, columns] = dy.shape;
  const positions = batch * rows * columns;
  const channelsFirst: tf.Tensor4D = tf.transpose(x, [3, 0, 1, 2]);
  const patches: tf.Tensor2D[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const window = tf.slice(channelsFirst, [0, 0, i, j], [inputs, batch, rows, columns]);
      patches.push(tf.reshape(window, [inputs, positions]));
    }
  }
  return tf.reshape(tf.matMul(tf.concat(patches, 0), tf.reshape(dy, [positions, outputs])), shape);
}
