import tf from '#tfjs';

// These call kernels directly, because an optimizer runs ten of them per parameter and tfjs's op wrappers cost as much as a
// small kernel. Operands are float32, and no gradient passes through these ops.
const run = (kernel: string, inputs: Record<string, tf.Tensor>): tf.Tensor => tf.engine().runKernel(kernel, inputs);

export const add = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => run('Add', { a, b });
export const sub = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => run('Sub', { a, b });
export const mul = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => run('Multiply', { a, b });
export const div = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => run('RealDiv', { a, b });
export const square = (x: tf.Tensor): tf.Tensor => run('Square', { x });
export const sqrt = (x: tf.Tensor): tf.Tensor => run('Sqrt', { x });
export const sign = (x: tf.Tensor): tf.Tensor => run('Sign', { x });
/** max(x, 0) by element; NaN stays NaN. */
export const relu = (x: tf.Tensor): tf.Tensor => run('Relu', { x });
/** The Euclidean norm over all elements, a scalar. */
export const norm = (x: tf.Tensor): tf.Tensor => sqrt(tf.sum(square(x)));

/** a / b of two scalars that are at least 0; 1 where either is 0. */
export function ratioOr1(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [zero, one] = [tf.scalar(0), tf.scalar(1)];
  return tf.where(tf.logicalAnd(tf.greater(a, zero), tf.greater(b, zero)), div(a, b), one);
}
