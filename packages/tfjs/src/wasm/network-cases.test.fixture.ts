import tf from '#tfjs';
import { input, type GradientCase } from './gradient-case.test.fixture.ts';

type Pad = 'same' | 'valid' | number;

interface ConvCase {
  readonly size: [number, number];
  readonly channels: [number, number];
  readonly kernel: [number, number];
  readonly stride: number | [number, number];
  readonly pad: Pad;
}

const CONVOLUTIONS: readonly ConvCase[] = [1, 3, 5].flatMap((kernel) =>
  [1, 2].flatMap((stride) =>
    (['same', 'valid'] as const).flatMap((pad) =>
      [2, 6].map((channels): ConvCase => ({
        size: [9, 8],
        channels: [channels, 4],
        kernel: [kernel, kernel],
        stride,
        pad,
      })),
    ),
  ),
);

const ODD_CONVOLUTIONS: readonly ConvCase[] = [
  { size: [8, 7], channels: [5, 3], kernel: [2, 2], stride: 2, pad: 'same' },
  { size: [8, 7], channels: [5, 3], kernel: [4, 4], stride: 1, pad: 'same' },
  { size: [10, 7], channels: [4, 3], kernel: [3, 1], stride: [2, 1], pad: 'valid' },
  { size: [10, 11], channels: [4, 3], kernel: [3, 3], stride: 3, pad: 'same' },
  { size: [9, 9], channels: [4, 3], kernel: [3, 3], stride: 1, pad: 1 },
  { size: [9, 9], channels: [4, 3], kernel: [3, 3], stride: 2, pad: 1 },
  { size: [6, 6], channels: [4, 3], kernel: [1, 1], stride: 1, pad: 1 },
  { size: [1, 1], channels: [4, 3], kernel: [3, 3], stride: 1, pad: 'same' },
];

function conv({ size, channels, kernel, stride, pad }: ConvCase): GradientCase {
  const about = `[${size.join()}] ${channels.join(' to ')} channels, kernel ${kernel.join('x')}, stride ${String(stride)}, ${String(pad)}`;
  return {
    name: `conv2d ${about}`,
    inputs: [input([3, ...size, channels[0]]), input([...kernel, ...channels], 5)],
    run: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad),
    // Through tfjs-node, TensorFlow does not support numeric padding.
    ...(typeof pad === 'number' && {
      reference: (x, w) =>
        tf.conv2d(tf.pad(x as tf.Tensor4D, [[0, 0], [pad, pad], [pad, pad], [0, 0]]), w as tf.Tensor4D, stride, 'valid'), // prettier-ignore
    }),
  };
}

function depthwise(stride: number, pad: Pad, multiplier: number, dilation = 1): GradientCase {
  return {
    name: `depthwiseConv2d stride ${String(stride)}, ${String(pad)}, multiplier ${String(multiplier)}, dilation ${String(dilation)}`,
    inputs: [input([2, 9, 8, 5]), input([3, 3, 5, multiplier], 5)],
    run: (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, 'NHWC', dilation),
  };
}

type Image = (x: tf.Tensor4D) => tf.Tensor;

function image(name: string, run: Image, shape = [2, 8, 6, 3]): GradientCase {
  return { name, inputs: [input(shape)], run: (x) => run(x as tf.Tensor4D) };
}

const IMAGES: readonly GradientCase[] = [
  image('maxPool 2', (x) => tf.maxPool(x, 2, 2, 'valid')),
  image('maxPool 3, stride 2, same', (x) => tf.maxPool(x, 3, 2, 'same')),
  image('maxPool of negative values', (x) => tf.maxPool(tf.sub(x, 2), 2, 2, 'valid')),
  image('maxPool with stride 1 and ties', (x) => tf.maxPool(tf.relu(x), 3, 1, 'same')),
  image('avgPool 2', (x) => tf.avgPool(x, 2, 2, 'valid')),
  image('avgPool 3, stride 2, same', (x) => tf.avgPool(x, 3, 2, 'same')),
  image('global average', (x) => tf.mean(x, [1, 2])),
  image('resizeNearestNeighbor', (x) => tf.image.resizeNearestNeighbor(x, [16, 12])),
  image('resizeNearestNeighbor, align corners', (x) => tf.image.resizeNearestNeighbor(x, [11, 9], true)),
  image('resizeBilinear', (x) => tf.image.resizeBilinear(x, [16, 12])),
  image('resizeBilinear, half-pixel centres', (x) => tf.image.resizeBilinear(x, [13, 5], false, true)),
  image('spaceToDepth as reshape', (x) => tf.reshape(tf.transpose(tf.reshape(x, [2, 4, 2, 3, 2, 3]), [0, 1, 3, 2, 4, 5]), [2, 4, 3, 12])), // prettier-ignore
  image('global max', (x) => tf.max(x, [1, 2])),
];

const LAYERS: readonly GradientCase[] = [
  {
    name: 'batchNorm with fixed statistics',
    inputs: [input([4, 5, 5, 3]), input([3], 1), input([3], 2)],
    run: (x, offset, scale) =>
      tf.batchNorm(
        x as tf.Tensor4D,
        tf.tensor1d([0.1, 0.2, 0.3]),
        tf.tensor1d([1, 2, 0.5]),
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
      ),
  },
  {
    name: 'batchNorm with statistics of the batch',
    inputs: [input([4, 5, 5, 3]), input([3], 1), input([3], 2)],
    run: (x, offset, scale) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(
        x as tf.Tensor4D,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        1e-3,
      );
    },
    tolerance: 5e-5,
  },
  {
    name: 'layer norm',
    inputs: [input([4, 6, 8])],
    run: (x) => {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
    },
    tolerance: 5e-5,
  },
  {
    name: 'fused conv2d with bias and relu',
    inputs: [input([2, 6, 6, 4]), input([3, 3, 4, 5], 1), input([5], 2)],
    run: (x, filter, bias) =>
      tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        bias,
        strides: 1,
        pad: 'same',
        activation: 'relu',
      }),
  },
  {
    name: 'fused matMul with bias and relu',
    inputs: [input([6, 7]), input([7, 5], 1), input([5], 2)],
    run: (a, b, bias) => tf.fused.matMul({ a, b, bias, activation: 'relu' }),
  },
  {
    name: 'softmax cross entropy',
    inputs: [input([6, 10])],
    run: (logits) => tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d([1, 2, 3, 9, 0, 5], 'int32'), 10), logits),
  },
  {
    name: 'sigmoid cross entropy',
    inputs: [input([6, 10])],
    run: (logits) => tf.losses.sigmoidCrossEntropy(tf.ones([6, 10]), logits),
  },
  {
    name: 'huber loss',
    inputs: [input([6, 10])],
    run: (x) => tf.losses.huberLoss(tf.zeros([6, 10]), x, undefined, 0.4),
  },
  {
    name: 'embedding: gather of rows, some more than once',
    inputs: [input([11, 4])],
    run: (table) => tf.gather(table, tf.tensor2d([[1, 5, 5], [10, 0, 5]], [2, 3], 'int32')), // prettier-ignore
  },
  {
    name: 'attention',
    inputs: [input([2, 3, 5, 4]), input([2, 3, 5, 4], 1), input([2, 3, 5, 4], 2)],
    run: (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.5)), v),
  },
  {
    name: 'conv2dTranspose',
    inputs: [input([2, 4, 4, 4]), input([3, 3, 5, 4], 1)],
    run: (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, 8, 8, 5], 2, 'same'),
  },
  {
    name: 'conv1d',
    inputs: [input([2, 9, 4]), input([3, 4, 5], 1)],
    run: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
  },
  {
    name: 'separableConv2d',
    inputs: [input([2, 6, 6, 4]), input([3, 3, 4, 1], 1), input([1, 1, 4, 6], 2)],
    run: (x, d, p) => tf.separableConv2d(x as tf.Tensor4D, d as tf.Tensor4D, p as tf.Tensor4D, 1, 'same'),
  },
];

/** Convolutions, pooling, resizing, normalisation and losses. */
export const networkCases: readonly GradientCase[] = [
  ...[...CONVOLUTIONS, ...ODD_CONVOLUTIONS].map(conv),
  ...[1, 2].flatMap((stride) =>
    (['same', 'valid'] as const).flatMap((pad) => [1, 2].map((multiplier) => depthwise(stride, pad, multiplier))),
  ),
  ...IMAGES,
  ...LAYERS,
];
