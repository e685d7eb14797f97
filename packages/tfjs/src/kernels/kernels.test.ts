import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { batchNormTraining } from './batch-norm-training.ts';
import { registerKernels } from './register-kernels.ts';

const values = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * 12.9898) * 3);

async function close(a: tf.Tensor, b: tf.Tensor, tolerance = 1e-5): Promise<void> {
  const [left, right] = await Promise.all([a.data(), b.data()]);
  left.forEach((value, i) => expect(Math.abs(value - (right[i] as number))).toBeLessThan(tolerance));
}

const activations = [tf.relu, tf.relu6, tf.leakyRelu, tf.selu, tf.sigmoid, tf.tanh] as ((x: tf.Tensor) => tf.Tensor)[];

describe('kernels for native TensorFlow', () => {
  const trainLayer = () => {
    const layer = tf.layers.batchNormalization({ momentum: 0.9, gammaInitializer: 'ones' });
    const x = tf.tensor(values, [2, 2, 3, 4]);
    const output = layer.apply(x, { training: true }) as tf.Tensor;
    return [output, ...layer.getWeights()];
  };
  let layered: tf.Tensor[];
  let plain: tf.Tensor[];
  const gradients = () =>
    activations.map((activation) =>
      tf.grad((t) => activation(t).mul(t).square().sum<tf.Scalar>())(tf.tensor2d(values, [8, 6])),
    );

  beforeAll(async () => {
    await loadNativeBackend(true);
    plain = gradients();
    layered = trainLayer();
    registerKernels();
  });

  it('give the same gradients of activations as tfjs', async () => {
    for (const [i, gradient] of gradients().entries()) await close(gradient, plain[i] as tf.Tensor, 1e-4);
  });

  it('train the batch normalisation of tf.layers with the same moving averages', async () => {
    for (const [i, tensor] of trainLayer().entries()) await close(tensor, layered[i] as tf.Tensor);
  });

  it.each([[[2, 2, 3, 4]], [[12, 4]], [[4, 3, 4]]])(
    'normalise a batch of shape %j like the composed form',
    async (shape) => {
      const x = tf.tensor(values, shape);
      const gamma = tf.tensor1d([0.5, 1, 2, -1]);
      const beta = tf.tensor1d([0, 1, -1, 0.25]);
      const run = (input: tf.Tensor, g: tf.Tensor, b: tf.Tensor) =>
        batchNormTraining(input, g as tf.Tensor1D, b as tf.Tensor1D, 1e-3);
      const composed = (input: tf.Tensor, g: tf.Tensor, b: tf.Tensor) => {
        const { mean, variance } = tf.moments(input, shape.map((_, axis) => axis).slice(0, -1));
        return { output: input.sub(mean).div(variance.add(1e-3).sqrt()).mul(g).add(b), mean, variance };
      };
      const [ours, theirs] = [run(x, gamma, beta), composed(x, gamma, beta)];
      await close(ours.output, theirs.output);
      await close(ours.mean, theirs.mean);
      await close(ours.variance, theirs.variance, 1e-4);
      const weights = tf.tensor(
        values.map((value) => value * value),
        shape,
      );
      const loss = (norm: typeof composed) => (input: tf.Tensor, g: tf.Tensor, b: tf.Tensor) =>
        norm(input, g, b).output.mul(weights).sum<tf.Scalar>();
      const fused = tf.grads(loss(run))([x, gamma, beta]);
      const reference = tf.grads(loss(composed))([x, gamma, beta]);
      for (const [i, grad] of fused.entries()) await close(grad, reference[i] as tf.Tensor, 2e-4);
    },
  );
});
