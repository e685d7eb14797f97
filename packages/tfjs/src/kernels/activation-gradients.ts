import tf from '#tfjs';
import { floatType, NATIVE_BACKEND, type NativeBackend } from '../device/native-backend.ts';

/**
 * An activation whose gradient is one TensorFlow op of the incoming gradient `dy` and the activation's output or input.
 */
interface ActivationGradient {
  /** Name of the tfjs kernel, such as `Relu`. */
  readonly kernel: string;
  /** Name of the TensorFlow op. */
  readonly op: string;
  /** Whether the op takes the input instead of the output, given the kernel's attributes. @default never */
  readonly takesInput?: (attrs: tf.NamedAttrMap) => boolean;
  /** Which of the two inputs of the op comes first. */
  readonly first: 'dy' | 'y';
  /** Attributes of the kernel that the op also takes; all are float32. */
  readonly attributes?: readonly string[];
  /** The derivative of the op's output with respect to its input other than `dy`, for gradients of gradients. */
  readonly derivative: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor;
}

const zero = (_: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.zerosLike(y);

const GRADIENTS: readonly ActivationGradient[] = [
  { kernel: tf.Relu, op: 'ReluGrad', first: 'dy', derivative: zero },
  { kernel: tf.Relu6, op: 'Relu6Grad', first: 'dy', derivative: zero },
  {
    kernel: tf.LeakyRelu,
    op: 'LeakyReluGrad',
    // The output has the sign of the input, so the op can take the output. Then only the activation uses the sum with
    // the bias, and TensorFlow can fuse the three ops; when another op uses that sum too, its optimizer fails on
    // oneDNN.
    takesInput: ({ alpha }) => (alpha as number) < 0,
    first: 'dy',
    attributes: ['alpha'],
    derivative: zero,
  },
  // Below zero, the derivative of selu is the output plus a constant.
  { kernel: tf.Selu, op: 'SeluGrad', first: 'dy', derivative: (dy, y) => dy.mul(y.less(0).cast('float32')) },
  { kernel: tf.Sigmoid, op: 'SigmoidGrad', first: 'y', derivative: (dy, y) => dy.mul(tf.sub(1, y.mul(2))) },
  { kernel: tf.Tanh, op: 'TanhGrad', first: 'y', derivative: (dy, y) => dy.mul(y).mul(-2) },
];

/**
 * Gives activations a one-op gradient on native TensorFlow. tfjs computes the gradient of Relu with five ops over the
 * whole activation (IsNan, Greater, Fill, Select, Mul). Other backends and dtypes keep tfjs's own gradient.
 */
export function registerActivationGradients(): void {
  for (const gradient of GRADIENTS) registerActivationGradient(gradient);
}

function registerActivationGradient(each: ActivationGradient): void {
  const { kernel, op, takesInput = () => false, first, attributes = [], derivative } = each;
  const original = tf.getGradient(kernel);
  const fused = `Hookline${op}`;
  const run = (dy: tf.Tensor, y: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel<tf.Tensor>(fused, { dy, y }, attrs);
  tf.registerKernel({
    kernelName: fused,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { dy, y } = inputs as { dy: tf.Tensor; y: tf.Tensor };
      const type = native.binding.TF_ATTR_FLOAT;
      const numbers = attributes.map((name) => ({ name, type, value: (attrs as tf.NamedAttrMap)[name] }));
      return native.executeSingleOutput(op, [floatType(native), ...numbers], first === 'dy' ? [dy, y] : [y, dy]);
    },
  });
  tf.registerGradient({
    kernelName: fused,
    inputsToSave: ['dy', 'y'],
    gradFunc: (second, saved, attrs) => {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      const upstream = second as tf.Tensor;
      return { dy: () => run(upstream, y, attrs), y: () => upstream.mul(derivative(dy, y)) };
    },
  });
  tf.unregisterGradient(kernel);
  tf.registerGradient({
    kernelName: kernel,
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: (dy, saved, attrs) => {
      const [x, y] = saved as [tf.Tensor, tf.Tensor];
      const gradient = dy as tf.Tensor;
      const isFused = tf.getBackend() === NATIVE_BACKEND && gradient.dtype === 'float32' && y.dtype === 'float32';
      if (!isFused) return original.gradFunc(dy, original.outputsToSave?.[0] === true ? [y] : [x], attrs);
      return { x: () => run(gradient, takesInput(attrs) ? x : y, attrs) };
    },
  });
}
