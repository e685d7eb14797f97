import tf from '#tfjs';
import { floatType, NATIVE_BACKEND, type NativeBackend } from '../device/native-backend.ts';

const SECOND = 'HooklineMaxPoolGradGrad';

/**
 * Registers the second gradient of max pooling on native TensorFlow: it picks the values at the positions of the
 * maxima.
 */
export function registerMaxPoolGradient(): void {
  tf.registerKernel({
    kernelName: SECOND,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { input, output, second } = inputs as Record<string, tf.Tensor>;
      const { filterSize, strides, pad } = attrs as { filterSize: number; strides: number; pad: 'same' | 'valid' };
      const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth } = tf.backend_util.computePool2DInfo(
        (input as tf.Tensor4D).shape,
        filterSize,
        strides,
        1,
        pad,
      );
      const { TF_ATTR_INT, TF_ATTR_STRING } = native.binding;
      const attributes = [
        floatType(native),
        { name: 'ksize', type: TF_ATTR_INT, value: [1, filterHeight, filterWidth, 1] },
        { name: 'strides', type: TF_ATTR_INT, value: [1, strideHeight, strideWidth, 1] },
        { name: 'padding', type: TF_ATTR_STRING, value: padInfo.type },
        { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
      ];
      return native.executeSingleOutput('MaxPoolGradGrad', attributes, [input, output, second] as tf.Tensor[]);
    },
  });
  tf.registerGradient({
    kernelName: tf.MaxPoolGrad,
    inputsToSave: ['input', 'output'],
    gradFunc: (second, saved, attrs) => {
      const [input, output] = saved as [tf.Tensor, tf.Tensor];
      return {
        dy: () => tf.engine().runKernel<tf.Tensor>(SECOND, { input, output, second: second as tf.Tensor }, attrs),
        input: () => tf.zerosLike(input),
        output: () => tf.zerosLike(output),
      };
    },
  });
}
