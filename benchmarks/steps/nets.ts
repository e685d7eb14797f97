import * as tf from '@tensorflow/tfjs';

/** A net of the benchmark. Model, batch, loss and optimizer are the same in every framework. */
export interface Net {
  readonly name: string;
  /** Shape of a batch of inputs. */
  readonly input: readonly number[];
  /** `classes`: softmax cross-entropy over the last axis. `values`: mean squared error. */
  readonly loss: 'classes' | 'values';
  /** Shape of the targets: one-hot classes or values. */
  readonly target: readonly number[];
  readonly optimizer: 'adam' | 'momentum';
  build(): tf.LayersModel;
}

type Tensor = tf.SymbolicTensor;

const conv = (filters: number, kernelSize: number, strides = 1, useBias = false) =>
  tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias, kernelInitializer: 'heNormal' });
const norm = (x: Tensor): Tensor => tf.layers.batchNormalization().apply(x) as Tensor;
const relu = (x: Tensor): Tensor => tf.layers.reLU().apply(x) as Tensor;

/** A residual block: two 3x3 convolutions with batch norm, and a shortcut. */
function residual(x: Tensor, filters: number, strides: number): Tensor {
  const first = relu(norm(conv(filters, 3, strides).apply(x) as Tensor));
  const second = norm(conv(filters, 3).apply(first) as Tensor);
  const isSame = strides === 1 && x.shape.at(-1) === filters;
  const shortcut = isSame ? x : norm(conv(filters, 1, strides).apply(x) as Tensor);
  return relu(tf.layers.add().apply([second, shortcut]) as Tensor);
}

const mlp: Net = {
  name: 'mlp',
  input: [32, 16],
  loss: 'values',
  target: [32, 4],
  optimizer: 'adam',
  build: () =>
    tf.sequential({
      layers: [tf.layers.dense({ inputShape: [16], units: 32, activation: 'relu' }), tf.layers.dense({ units: 4 })],
    }),
};

const convnet: Net = {
  name: 'convnet',
  input: [64, 28, 28, 1],
  loss: 'classes',
  target: [64, 10],
  optimizer: 'adam',
  build: () =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [28, 28, 1], filters: 32, kernelSize: 3, activation: 'relu' }),
        tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 128, activation: 'relu' }),
        tf.layers.dense({ units: 10 }),
      ],
    }),
};

const resnet18: Net = {
  name: 'resnet18',
  input: [16, 64, 64, 3],
  loss: 'classes',
  target: [16, 10],
  optimizer: 'momentum',
  build() {
    const input = tf.input({ shape: [64, 64, 3] });
    let x = relu(norm(conv(64, 7, 2).apply(input) as Tensor));
    x = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x) as Tensor;
    for (const [stage, filters] of [64, 128, 256, 512].entries()) {
      x = residual(residual(x, filters, stage === 0 ? 1 : 2), filters, 1);
    }
    x = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x) as Tensor;
    return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 10 }).apply(x) as Tensor });
  },
};

/** Residual blocks at strides 4, 8 and 16, as in a detector's backbone, that classify each cell at stride 4. */
const detector: Net = {
  name: 'detector',
  input: [16, 128, 160, 3],
  loss: 'classes',
  target: [16, 32, 40, 4],
  optimizer: 'momentum',
  build() {
    const input = tf.input({ shape: [128, 160, 3] });
    let x = relu(norm(conv(16, 3, 2).apply(input) as Tensor));
    const stride4 = residual(x, 32, 2);
    const stride8 = residual(stride4, 64, 2);
    const stride16 = residual(stride8, 128, 2);
    const up = (from: Tensor, onto: Tensor, filters: number): Tensor => {
      const larger = tf.layers.upSampling2d({ size: [2, 2] }).apply(conv(filters, 1).apply(from)) as Tensor;
      return tf.layers.add().apply([larger, conv(filters, 1).apply(onto) as Tensor]) as Tensor;
    };
    x = up(up(stride16, stride8, 64), stride4, 64);
    x = relu(norm(conv(64, 3).apply(x) as Tensor));
    return tf.model({ inputs: input, outputs: conv(4, 1, 1, true).apply(x) as Tensor });
  },
};

export const NETS: readonly Net[] = [mlp, convnet, resnet18, detector];

/** Returns the net with the given name. */
export function findNet(name: string): Net {
  const net = NETS.find((each) => each.name === name);
  if (net === undefined) throw new RangeError(`there is no net "${name}"`);
  return net;
}

/** The loss of a net's outputs as a scalar. */
export function lossOf(net: Net, outputs: tf.Tensor, target: tf.Tensor): tf.Scalar {
  return net.loss === 'values'
    ? tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(target, outputs)
    : tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(target, outputs);
}

/** A batch of a net on the host, which depends only on the seed. */
export function batchOf(
  net: Net,
  seed = 1,
): {
  x: { data: Float32Array; shape: readonly number[] };
  y: { data: Float32Array; shape: readonly number[] };
} {
  const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const x = Float32Array.from({ length: size(net.input) }, () => (next() + next() + next() - 1.5) * 2);
  const y = new Float32Array(size(net.target));
  const classes = net.target.at(-1) as number;
  if (net.loss === 'values') y.forEach((_, i) => (y[i] = next() * 2 - 1));
  else for (let row = 0; row < y.length; row += classes) y[row + Math.floor(next() * classes)] = 1;
  return { x: { data: x, shape: net.input }, y: { data: y, shape: net.target } };
}
