import type tf from '#tfjs';

declare module '@hookline/core/tensor-types' {
  interface TensorTypes {
    tensor: tf.Tensor;
    scalar: tf.Scalar;
    variable: tf.Variable;
  }
}
