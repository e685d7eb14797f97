import tf from '#tfjs';
import { convSizes, padOrCrop, spread, type ConvAttributes } from './conv2d-shapes.ts';
import type { ComposedKernel } from './wasm-kernel.ts';

interface Attributes extends ConvAttributes {
  readonly inputShape: [number, number, number, number];
}

/** With fewer channels than this, the backend's own loop is faster than a convolution. */
const FEW_CHANNELS = 4;

/**
 * Gradient of a convolution with respect to its input, as a convolution: dY, with zeros between its pixels for the
 * stride of the forward pass, is convolved with the filter rotated by 180 degrees with inputs and outputs exchanged.
 * This is four to eight times as fast as the backend's own loop.
 */
export const conv2dInputGradient: ComposedKernel<Attributes> = {
  name: 'Conv2DBackpropInput',
  run({ inputs, attrs }) {
    const [dy, filter] = [inputs['dy'] as tf.Tensor4D, inputs['filter'] as tf.Tensor4D];
    const { inputShape, dataFormat } = attrs;
    if (dataFormat === 'NCHW' || inputShape[3] < FEW_CHANNELS) return undefined;
    const sizes = convSizes(inputShape, filter.shape, attrs);
    const { filterHeight, filterWidth, padInfo } = sizes;
    const spreadOut = spread(dy, sizes.strideHeight, sizes.strideWidth);
    const top = filterHeight - 1 - padInfo.top;
    const left = filterWidth - 1 - padInfo.left;
    // The rest of the padding at the end covers input rows that the last stride did not reach.
    const bottom = inputShape[1] + filterHeight - 1 - top - spreadOut.shape[1];
    const right = inputShape[2] + filterWidth - 1 - left - spreadOut.shape[2];
    const turned: tf.Tensor4D = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return tf.conv2d(padOrCrop(spreadOut, [top, bottom], [left, right]), turned, 1, 'valid');
  },
};
