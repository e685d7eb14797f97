import { tf } from '@hookline/tfjs';
import { crossEntropy, layersFamily, numbers, oneHot, squaredError, type Family } from './family.ts';

const ROWS = 8;
const { layers } = tf;
const images = (size: number, channels: number, classes: number) => (seed: number) => ({
  x: numbers([ROWS, size, size, channels], seed),
  y: oneHot(ROWS, classes, seed + 1000),
});
const same = (size: number, channels: number) => (seed: number) => ({
  x: numbers([ROWS, size, size, channels], seed),
  y: numbers([ROWS, size, size, channels], seed),
});

/** A convolution without bias, followed by batch norm and an activation. */
const convNorm = (filters: number, strides = 1, activation: 'relu' | 'relu6' | 'linear' = 'relu') => [
  layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same', useBias: false }),
  layers.batchNormalization(),
  layers.activation({ activation }),
];
const through = (input: tf.SymbolicTensor, list: tf.layers.Layer[]): tf.SymbolicTensor =>
  list.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, input);

function residualNet(): tf.LayersModel {
  const input = tf.input({ shape: [16, 16, 3] });
  let value = through(input, convNorm(8));
  for (const filters of [8, 16]) {
    const strides = filters === 8 ? 1 : 2;
    const way = through(value, [...convNorm(filters, strides), ...convNorm(filters, 1, 'linear')]);
    const short =
      strides === 1 ? value : through(value, [layers.conv2d({ filters, kernelSize: 1, strides, useBias: false })]);
    value = layers.reLU().apply(layers.add().apply([way, short])) as tf.SymbolicTensor;
  }
  const output = through(value, [layers.globalAveragePooling2d({}), layers.dense({ units: 10 })]);
  return tf.model({ inputs: input, outputs: output });
}

function uNet(): tf.LayersModel {
  const input = tf.input({ shape: [16, 16, 3] });
  const conv = (filters: number) => layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' });
  const first = through(input, [conv(8)]);
  const second = through(first, [layers.maxPooling2d({ poolSize: 2 }), conv(16)]);
  const deep = through(second, [layers.maxPooling2d({ poolSize: 2 }), conv(32)]);
  const up = (value: tf.SymbolicTensor, filters: number, beside: tf.SymbolicTensor) =>
    through(
      layers
        .concatenate()
        .apply([
          through(value, [layers.conv2dTranspose({ filters, kernelSize: 2, strides: 2 })]),
          beside,
        ]) as tf.SymbolicTensor,
      [conv(filters)],
    );
  const output = through(up(up(deep, 16, second), 8, first), [layers.conv2d({ filters: 3, kernelSize: 1 })]);
  return tf.model({ inputs: input, outputs: output });
}

export const IMAGE_FAMILIES: readonly Family[] = [
  layersFamily({
    name: 'convnet',
    net: () =>
      tf.sequential({
        layers: [
          layers.conv2d({ inputShape: [16, 16, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
          layers.flatten(),
          layers.dense({ units: 10 }),
        ],
      }),
    batch: images(16, 1, 10),
    loss: crossEntropy,
  }),
  layersFamily({
    name: 'mobilenet',
    net: () =>
      tf.sequential({
        layers: [
          layers.separableConv2d({
            inputShape: [16, 16, 3],
            filters: 8,
            kernelSize: 3,
            strides: 2,
            padding: 'same',
            useBias: false,
          }),
          layers.batchNormalization(),
          layers.activation({ activation: 'relu6' }),
          layers.separableConv2d({ filters: 16, kernelSize: 3, padding: 'same', useBias: false }),
          layers.batchNormalization(),
          layers.activation({ activation: 'relu6' }),
          layers.globalAveragePooling2d({}),
          layers.dense({ units: 10 }),
        ],
      }),
    batch: images(16, 3, 10),
    loss: crossEntropy,
  }),
  layersFamily({
    name: 'depthwise',
    net: () =>
      tf.sequential({
        layers: [
          layers.depthwiseConv2d({ inputShape: [12, 12, 4], kernelSize: 3, depthMultiplier: 2, activation: 'elu' }),
          layers.averagePooling2d({ poolSize: 2 }),
          layers.flatten(),
          layers.dense({ units: 10 }),
        ],
      }),
    batch: images(12, 4, 10),
    loss: crossEntropy,
  }),
  layersFamily({ name: 'resnet', net: residualNet, batch: images(16, 3, 10), loss: crossEntropy }),
  layersFamily({ name: 'unet', net: uNet, batch: same(16, 3), loss: squaredError }),
  layersFamily({
    name: 'autoencoder',
    net: () =>
      tf.sequential({
        layers: [
          layers.conv2d({
            inputShape: [16, 16, 1],
            filters: 8,
            kernelSize: 3,
            strides: 2,
            padding: 'same',
            activation: 'relu',
          }),
          layers.flatten(),
          layers.dense({ units: 16 }),
          layers.dense({ units: 256, activation: 'tanh' }),
          layers.reshape({ targetShape: [16, 16, 1] }),
        ],
      }),
    batch: same(16, 1),
    loss: squaredError,
  }),
  layersFamily({
    name: 'transposed_generator',
    net: () =>
      tf.sequential({
        layers: [
          layers.dense({ inputShape: [12], units: 4 * 4 * 8, activation: 'relu' }),
          layers.reshape({ targetShape: [4, 4, 8] }),
          layers.conv2dTranspose({ filters: 8, kernelSize: 4, strides: 2, padding: 'same', activation: 'relu' }),
          layers.upSampling2d({ size: [2, 2] }),
          layers.conv2d({ filters: 1, kernelSize: 3, padding: 'same', activation: 'tanh' }),
        ],
      }),
    batch: (seed) => ({ x: numbers([ROWS, 12], seed), y: numbers([ROWS, 16, 16, 1], seed + 1000) }),
    loss: squaredError,
  }),
];
