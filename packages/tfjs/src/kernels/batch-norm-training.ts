import tf from '#tfjs';
import { floatType, NATIVE_BACKEND, type NativeAttribute, type NativeBackend } from '../device/native-backend.ts';
import { syncsBatchNorm } from '../ranks/step-ranks.ts';
import { type NormalizedBatch, syncBatchNorm } from './sync-batch-norm.ts';

const FORWARD = 'HooklineBatchNormTraining';
const BACKWARD = 'HooklineBatchNormTrainingGrad';

/**
 * Batch normalisation by the batch's own statistics over all axes but the last, float32.
 *
 * On native TensorFlow, forward and backward are one op each, where tfjs composes about thirty; elsewhere it is
 * composed. In a step that shares its batch norms with other ranks, the statistics are computed over the batches of all
 * ranks.
 *
 * @param gamma shape [channels]; default: ones
 * @param beta shape [channels]; default: zeros
 */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor1D | undefined,
  beta: tf.Tensor1D | undefined,
  epsilon: number,
): NormalizedBatch {
  tf.util.assert(x.rank > 0, () => 'batchNormTraining: a scalar has no axis of channels');
  const channels = x.shape.at(-1) as number;
  const scale = gamma ?? tf.ones([channels]);
  const offset = beta ?? tf.zeros([channels]);
  if (syncsBatchNorm()) return syncBatchNorm(x, scale, offset, epsilon);
  if (!isFused() || x.dtype !== 'float32') return composed(x, scale, offset, epsilon);
  const isImages = x.rank === 4;
  const images = isImages ? x : x.reshape([-1, 1, 1, channels]);
  const [output, mean, unbiased] = tf
    .engine()
    .runKernel(FORWARD, { x: images, scale, offset }, { epsilon }) as unknown as [tf.Tensor, tf.Tensor1D, tf.Tensor1D];
  const count = x.size / channels;
  // The op returns the variance corrected by n / (n - 1), but normalises by the biased one.
  const variance = count > 1 ? unbiased.mul((count - 1) / count) : tf.zerosLike(unbiased);
  return { output: isImages ? output : output.reshape(x.shape), mean, variance: variance as tf.Tensor1D };
}

/** Whether the fused kernels can be used. Step runners register them; a model may run without a step runner. */
const isFused = (): boolean =>
  tf.getBackend() === NATIVE_BACKEND &&
  (tf.getKernel(FORWARD, NATIVE_BACKEND) as tf.KernelConfig | undefined) !== undefined;

function composed(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): NormalizedBatch {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const { mean, variance } = tf.moments(x, axes);
  const output = x
    .sub(mean)
    .mul(scale.div(variance.add(epsilon).sqrt()))
    .add(offset);
  return { output, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/** Registers the two kernels and the gradient that `batchNormTraining` uses on native TensorFlow. */
export function registerBatchNormTraining(): void {
  tf.registerKernel({
    kernelName: FORWARD,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { x, scale, offset } = inputs as Record<string, tf.Tensor>;
      const empty = tf.tensor1d([]);
      // y, mean, variance, and three values that the op's gradient takes as inputs.
      return native.executeMultipleOutputs(
        'FusedBatchNormV3',
        attributes(native, attrs),
        [x, scale, offset, empty, empty] as tf.Tensor[],
        6,
      );
    },
  });
  tf.registerKernel({
    kernelName: BACKWARD,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { dy, x, scale, first, second, third } = inputs as Record<string, tf.Tensor>;
      const taken = [dy, x, scale, first, second, third] as tf.Tensor[];
      return native.executeMultipleOutputs('FusedBatchNormGradV3', attributes(native, attrs), taken, 5).slice(0, 3);
    },
  });
  tf.registerGradient({
    kernelName: FORWARD,
    inputsToSave: ['x', 'scale'],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dy, saved, attrs) => {
      const [x, scale, first, second, third] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const upstream = (Array.isArray(dy) ? dy[0] : dy) as tf.Tensor;
      if (isDifferentiatedAgain())
        return composedGradient(upstream, x, scale, (attrs as unknown as { epsilon: number }).epsilon);
      // Run the kernel here, not in the functions below, because tfjs disposes of the tensors that each of them
      // creates.
      const grads = tf
        .engine()
        .runKernel(BACKWARD, { dy: upstream, x, scale, first, second, third }, attrs) as unknown as tf.Tensor[];
      const grad = (place: number) => () => grads[place] as tf.Tensor;
      return { x: grad(0), scale: grad(1), offset: grad(2) };
    },
  });
}

/** Whether a gradient of a gradient is being computed, as in a gradient penalty. */
const isDifferentiatedAgain = (): boolean =>
  (tf.engine() as { readonly state: unknown } as { readonly state: { readonly gradientDepth: number } }).state
    .gradientDepth > 0;

/**
 * The gradient composed of ops that have gradients themselves. tfjs knows no gradient for TensorFlow's single op.
 *
 * Source: S. Ioffe and C. Szegedy, Batch Normalization, 2015, section 3.
 */
function composedGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  scale: tf.Tensor,
  epsilon: number,
): Record<'x' | 'scale' | 'offset', () => tf.Tensor> {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const { mean, variance } = tf.moments(x, axes);
  const inverse = variance.add(epsilon).rsqrt();
  const normalized = x.sub(mean).mul(inverse);
  const sumOfGradients = dy.sum(axes);
  const sumOfProducts = dy.mul(normalized).sum(axes);
  const count = x.size / scale.size;
  return {
    x: () =>
      dy
        .sub(sumOfGradients.div(count))
        .sub(normalized.mul(sumOfProducts.div(count)))
        .mul(inverse.mul(scale)),
    scale: () => sumOfProducts.clone(),
    offset: () => sumOfGradients.clone(),
  };
}

function attributes(native: NativeBackend, attrs: unknown): NativeAttribute[] {
  const { TF_ATTR_FLOAT, TF_ATTR_STRING, TF_ATTR_BOOL } = native.binding;
  return [
    floatType(native),
    floatType(native, 'U'),
    { name: 'epsilon', type: TF_ATTR_FLOAT, value: (attrs as { epsilon: number }).epsilon },
    { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: TF_ATTR_BOOL, value: true },
  ];
}
