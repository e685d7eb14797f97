import type * as tf from '@tensorflow/tfjs';

declare module '@hookline/core/tensor-types' {
  interface TensorTypes {
    tensor: tf.Tensor;
    scalar: tf.Scalar;
    variable: tf.Variable;
  }
}
