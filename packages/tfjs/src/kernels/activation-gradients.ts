import * as tf from '@tensorflow/tfjs';
import { NATIVE_BACKEND } from '../device/native-backend.ts';
import type { NativeBackend } from '../capture/native-backend.ts';
import { floatType } from './native-op.ts';

/** How an activation's gradient is one TensorFlow op of the incoming gradient `dy` and the activation's output `y`. */
interface ActivationGradient {
  /** Name of the tfjs kernel, such as `Relu`. */
  readonly kernel: string;
  /** Name of the TensorFlow op. */
  readonly op: string;
  /** Which of the two the op takes first. */
  readonly first: 'dy' | 'y';
  /** Derivative by y of the op's output, for gradients of gradients. */
  readonly byOutput: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor;
}

const GRADIENTS: readonly ActivationGradient[] = [
  { kernel: tf.Relu, op: 'ReluGrad', first: 'dy', byOutput: (_, y) => tf.zerosLike(y) },
  { kernel: tf.Relu6, op: 'Relu6Grad', first: 'dy', byOutput: (_, y) => tf.zerosLike(y) },
  { kernel: tf.Sigmoid, op: 'SigmoidGrad', first: 'y', byOutput: (dy, y) => dy.mul(tf.sub(1, y.mul(2))) },
  { kernel: tf.Tanh, op: 'TanhGrad', first: 'y', byOutput: (dy, y) => dy.mul(y).mul(-2) },
];

/**
 * Gives activations their gradient as one op on native TensorFlow. tfjs spells that of Relu as five ops over the whole
 * activation (IsNan, Greater, Fill, Select, Mul). Other backends and other types keep tfjs's own gradient.
 */
export function registerActivationGradients(): void {
  for (const gradient of GRADIENTS) registerActivationGradient(gradient);
}

function registerActivationGradient({ kernel, op, first, byOutput }: ActivationGradient): void {
  const original = tf.getGradient(kernel);
  const fused = `Hookline${op}`;
  const run = (dy: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.engine().runKernel<tf.Tensor>(fused, { dy, y });
  tf.registerKernel({
    kernelName: fused,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { dy, y } = inputs as { dy: tf.Tensor; y: tf.Tensor };
      return native.executeSingleOutput(op, [floatType(native)], first === 'dy' ? [dy, y] : [y, dy]);
    },
  });
  tf.registerGradient({
    kernelName: fused,
    inputsToSave: ['dy', 'y'],
    gradFunc: (second, saved) => {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      const upstream = second as tf.Tensor;
      return { dy: () => run(upstream, y), y: () => upstream.mul(byOutput(dy, y)) };
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
      return { x: () => run(gradient, y) };
    },
  });
}
