import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import type { DeviceKind } from '../device/device.ts';
import { findNativeRuntime } from '@hookline/native-runtime';

const hasNative = findNativeRuntime().runtime !== undefined;
// Skipped without the native backend, the reference; `npx hookline setup` installs it.
const compare = hasNative ? it : it.skip;
const STEPS = 6;

const OPTIMIZERS: readonly [string, () => tf.Optimizer][] = [
  ['sgd', () => tf.train.sgd(0.1)],
  ['momentum', () => tf.train.momentum(0.05, 0.9)],
  ['adam', () => tf.train.adam(0.01)],
  ['adamax', () => tf.train.adamax(0.01)],
  ['rmsprop', () => tf.train.rmsprop(0.01)],
  ['adagrad', () => tf.train.adagrad(0.1)],
];

const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });

const NETWORKS: Readonly<Record<string, (x: tf.SymbolicTensor) => tf.SymbolicTensor>> = {
  'convolutions, batch norm, pooling, dropout': (x) => {
    const conv = (filters: number, strides: number, seed: number) =>
      tf.layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same', kernelInitializer: seeded(seed) });
    let y = conv(6, 1, 1).apply(x) as tf.SymbolicTensor;
    y = tf.layers.maxPooling2d({ poolSize: 2 }).apply(y) as tf.SymbolicTensor;
    y = tf.layers.batchNormalization().apply(y) as tf.SymbolicTensor;
    y = tf.layers.reLU().apply(y) as tf.SymbolicTensor;
    y = conv(8, 2, 2).apply(y) as tf.SymbolicTensor;
    y = tf.layers.leakyReLU({ alpha: 0.1 }).apply(y) as tf.SymbolicTensor;
    y = tf.layers.dropout({ rate: 0.3, seed: 5 }).apply(y) as tf.SymbolicTensor;
    return tf.layers.flatten().apply(y) as tf.SymbolicTensor;
  },
  'depthwise, separable and transposed convolutions': (x) => {
    let y = tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 4, depthwiseInitializer: seeded(3) }).apply(x); // prettier-ignore
    y = tf.layers.separableConv2d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', activation: 'elu', depthwiseInitializer: seeded(4), pointwiseInitializer: seeded(5) }).apply(y); // prettier-ignore
    y = tf.layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', kernelInitializer: seeded(6) }).apply(y); // prettier-ignore
    y = tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(y);
    return tf.layers.flatten().apply(y) as tf.SymbolicTensor;
  },
  'residual block with upsampling and concatenation': (x) => {
    const conv = (seed: number) =>
      tf.layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'tanh',
        kernelInitializer: seeded(seed),
      });
    const a = conv(7).apply(x) as tf.SymbolicTensor;
    const b = conv(8).apply(a) as tf.SymbolicTensor;
    const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
    const small = tf.layers.averagePooling2d({ poolSize: 2 }).apply(sum) as tf.SymbolicTensor;
    const large = tf.layers.upSampling2d({ size: [2, 2] }).apply(small) as tf.SymbolicTensor;
    const both = tf.layers.concatenate().apply([sum, large]) as tf.SymbolicTensor;
    return tf.layers.globalAveragePooling2d({}).apply(both) as tf.SymbolicTensor;
  },
  'rows through a GRU and an LSTM': (x) => {
    const rows = tf.layers.reshape({ targetShape: [8, 8] }).apply(x);
    const gru = tf.layers.gru({ units: 6, returnSequences: true, kernelInitializer: seeded(9), recurrentInitializer: seeded(10) }).apply(rows); // prettier-ignore
    return tf.layers.lstm({ units: 6, kernelInitializer: seeded(11), recurrentInitializer: seeded(12) }).apply(gru) as tf.SymbolicTensor; // prettier-ignore
  },
  'embedding and dense layers': (x) => {
    const ids = tf.layers.flatten().apply(tf.layers.thresholdedReLU({ theta: 0.5 }).apply(x));
    const embedded = tf.layers.embedding({ inputDim: 3, outputDim: 4, embeddingsInitializer: seeded(13) }).apply(ids);
    const flat = tf.layers.flatten().apply(embedded) as tf.SymbolicTensor;
    return tf.layers
      .dense({ units: 12, activation: 'sigmoid', kernelInitializer: seeded(14) })
      .apply(flat) as tf.SymbolicTensor;
  },
};

/** Losses of a few steps on a fixed batch of 8x8 images in two classes. */
async function train(
  device: DeviceKind,
  network: keyof typeof NETWORKS,
  makeOptimizer: () => tf.Optimizer,
): Promise<number[]> {
  await selectDevice(device);
  const input = tf.input({ shape: [8, 8, 1] });
  const body = NETWORKS[network]?.(input);
  const logits = tf.layers.dense({ units: 2, kernelInitializer: seeded(20) }).apply(body ?? input) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: logits });
  const images = tf.randomUniform([8, 8, 8, 1], 0, 1, 'float32', 3);
  const labels = tf.oneHot(tf.tensor1d([0, 1, 1, 0, 1, 0, 0, 1], 'int32'), 2);
  const optimizer = makeOptimizer();
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, model.apply(images, { training: true }) as tf.Tensor).asScalar(),
      true,
    );
    losses.push((await loss?.data())?.[0] ?? Number.NaN);
    loss?.dispose();
  }
  model.dispose();
  optimizer.dispose();
  tf.dispose([images, labels]);
  return losses;
}

describe('training on wasm', () => {
  compare.each(Object.keys(NETWORKS))(
    '%s: follows the same course as native TensorFlow (needs the native runtime)',
    async (network) => {
      const losses = await train('wasm', network, () => tf.train.sgd(0.1));
      const expected = await train('cpu', network, () => tf.train.sgd(0.1));
      expect(losses[STEPS - 1]).toBeLessThan(losses[0] ?? 0);
      for (const [step, loss] of losses.entries()) expect(loss).toBeCloseTo(expected[step] ?? Number.NaN, 4);
    },
  );

  compare.each(OPTIMIZERS)(
    '%s updates the weights as on native TensorFlow (needs the native runtime)',
    async (_, makeOptimizer) => {
      const network = 'residual block with upsampling and concatenation';
      const losses = await train('wasm', network, makeOptimizer);
      const expected = await train('cpu', network, makeOptimizer);
      for (const [step, loss] of losses.entries()) expect(loss).toBeCloseTo(expected[step] ?? Number.NaN, 4);
    },
  );

  it('keeps the number of tensors constant over many steps', async () => {
    await selectDevice('wasm');
    const weights = tf.variable(tf.randomNormal([3, 3, 2, 4], 0, 1, 'float32', 1));
    const images = tf.randomNormal([2, 6, 6, 2], 0, 1, 'float32', 2);
    const optimizer = tf.train.sgd(0.01);
    const step = () => {
      optimizer.minimize(() => tf.mean(tf.square(tf.maxPool(tf.conv2d(images as tf.Tensor4D, weights as tf.Tensor4D, 2, 'same'), 2, 2, 'same'))).asScalar()); // prettier-ignore
    };
    step();
    const before = tf.memory();
    for (let count = 0; count < 200; count++) step();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
    tf.dispose([weights, images]);
  });
});
