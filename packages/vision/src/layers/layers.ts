import { batchNormTraining, tf } from '@hookline/tfjs';
import { drawNormal } from './draw-normal.ts';
import type { Parameters } from './parameters.ts';

/** A function of images or features, [batch, height, width, channels]. */
export type Layer = (x: tf.Tensor4D, training: boolean) => tf.Tensor4D;

/** Options of {@link conv}. */
export interface ConvOptions {
  /** Side of its filter. @default 3 */
  readonly kernel?: number;
  readonly from: number;
  readonly to: number;
  /** @default 1, with an output as large as the input; else, without `padding`, the filter moves within the input */
  readonly stride?: number;
  /**
   * Zeros on each side of the input, as PyTorch pads. TensorFlow's `same` pads less at the left and at the top where the stride
   * is above 1. @default as `stride` says
   */
  readonly padding?: number;
  /** Initial value of the bias. @default no bias */
  readonly bias?: number;
  /** Standard deviation of the initial weights. @default that of He et al. for layers before a ReLU */
  readonly deviation?: number;
  /** Draws the initial weights. @default tf.randomNormal */
  readonly draw?: (shape: [number, number, number, number], deviation: number) => tf.Tensor;
}

/** Options of {@link depthwiseConv}. */
export interface DepthwiseOptions {
  readonly kernel: number;
  readonly channels: number;
  readonly stride: number;
  /** Standard deviation of the initial weights. @default that of He et al. for layers before a ReLU */
  readonly deviation?: number;
}

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance. @default 1e-3 */
  readonly epsilon?: number;
  /** Share of the moving statistics that each step keeps. @default 0.9 */
  readonly momentum?: number;
  /** Whether the moving variance is that of the population, n / (n - 1) times the batch's, as in PyTorch. @default false */
  readonly unbiased?: boolean;
}

const normal = (shape: [number, number, number, number], deviation: number): tf.Tensor =>
  tf.randomNormal(shape, 0, deviation);

/** A convolution, perhaps with a bias. */
export function conv(parameters: Parameters, name: string, options: ConvOptions): Layer {
  const { kernel = 3, from, to, stride = 1, padding, bias: first } = options;
  const { deviation = Math.sqrt(2 / (kernel * kernel * from)), draw = normal } = options;
  const filter = parameters.weight(`${name}/kernel`, () => draw([kernel, kernel, from, to], deviation));
  const bias = first === undefined ? undefined : parameters.weight(`${name}/bias`, () => tf.fill([to], first));
  const isSame = stride === 1 && (padding === undefined || 2 * padding === kernel - 1);
  return (x) => {
    const y = tf.conv2d(isSame ? x : pad(x, padding), filter as tf.Tensor4D, stride, isSame ? 'same' : 'valid');
    return bias === undefined ? y : y.add(bias);
  };
}

/** A convolution as torchvision makes it: padded by half of the filter on each side, initial weights by He et al. ("fan out"). */
export function torchConv(parameters: Parameters, name: string, { kernel = 3, ...options }: ConvOptions): Layer {
  const deviation = Math.sqrt(2 / (kernel * kernel * options.to));
  return conv(parameters, name, { kernel, padding: (kernel - 1) / 2, deviation, draw: drawNormal, ...options });
}

/** A convolution of each channel on its own, padded by half of its filter on each side, as in PyTorch. It has no bias. */
export function depthwiseConv(parameters: Parameters, name: string, options: DepthwiseOptions): Layer {
  const { kernel, channels, stride } = options;
  const { deviation = Math.sqrt(2 / (kernel * kernel)) } = options;
  const shape = [kernel, kernel, channels, 1];
  const filter = parameters.weight(`${name}/depthwise_kernel`, () => drawNormal(shape, deviation));
  return (x) =>
    stride === 1
      ? tf.depthwiseConv2d(x, filter as tf.Tensor4D, 1, 'same')
      : tf.depthwiseConv2d(pad(x, (kernel - 1) / 2), filter as tf.Tensor4D, stride, 'valid');
}

/** The largest value of each window of 3x3, at every second place, with a border of one on each side, as in PyTorch. */
export function maxPool(x: tf.Tensor4D): tf.Tensor4D {
  // It comes after a ReLU: nothing is below the border's zeros.
  return tf.maxPool(pad(x, 1), 3, 2, 'valid');
}

function pad(x: tf.Tensor4D, by = 0): tf.Tensor4D {
  if (by === 0) return x;
  return tf.pad4d(x, [
    [0, 0],
    [by, by],
    [by, by],
    [0, 0],
  ]);
}

/**
 * Batch norm over all axes but the last, with moving averages for eval mode. A frozen one uses them in train mode as well, and
 * leaves them as they are.
 */
export function batchNorm(
  parameters: Parameters,
  name: string,
  channels: number,
  { epsilon = 1e-3, momentum = 0.9, unbiased = false }: BatchNormOptions = {},
): Layer {
  const gamma = parameters.normWeight(`${name}/gamma`, () => tf.ones([channels])) as unknown as tf.Tensor1D;
  const beta = parameters.normWeight(`${name}/beta`, () => tf.zeros([channels])) as unknown as tf.Tensor1D;
  const mean = parameters.average(`${name}/moving_mean`, () => tf.zeros([channels]));
  const variance = parameters.average(`${name}/moving_variance`, () => tf.ones([channels]));
  const norm = parameters.batchNorm(name, mean, variance);
  return (x, training) => {
    if (!training) {
      return tf.batchNorm(
        x,
        mean as unknown as tf.Tensor1D,
        variance as unknown as tf.Tensor1D,
        beta,
        gamma,
        epsilon,
      ) as tf.Tensor4D;
    }
    if (!norm.trainable) {
      // As one product and one sum, whose gradients are cheap; those of tf.batchNorm are not.
      const scale = gamma.mul(variance.add(epsilon).rsqrt());
      return x.mul(scale).add<tf.Tensor4D>(beta.sub(mean.mul(scale)));
    }
    norm.report(x);
    const batch = batchNormTraining(x, gamma, beta, epsilon);
    const count = x.size / channels;
    for (const [average, value] of [
      [mean, batch.mean],
      [variance, unbiased && count > 1 ? batch.variance.mul(count / (count - 1)) : batch.variance],
    ] as const) {
      average.assign(average.add(value.sub(average).mul(1 - momentum)));
    }
    return batch.output as tf.Tensor4D;
  };
}

/** Convolution, batch norm, ReLU. */
export function convNormRelu(parameters: Parameters, name: string, options: ConvOptions): Layer {
  return sequence(conv(parameters, name, options), batchNorm(parameters, `${name}/norm`, options.to), (x) =>
    tf.relu(x),
  );
}

/** Two 3x3 convolutions whose result is added to their input. */
export function residualBlock(parameters: Parameters, name: string, channels: number): Layer {
  const size = { from: channels, to: channels };
  const inner = sequence(
    convNormRelu(parameters, `${name}/conv1`, size),
    conv(parameters, `${name}/conv2`, size),
    batchNorm(parameters, `${name}/conv2/norm`, channels),
  );
  return (x, training) => tf.relu(x.add<tf.Tensor4D>(inner(x, training)));
}

/** x · hardSigmoid(x), the activation of MobileNetV3. */
export const hardSwish = (x: tf.Tensor4D): tf.Tensor4D => x.mul(hardSigmoid(x));

/** 0 up to -3, 1 from 3 on, and a straight line between: relu6(x + 3) / 6. */
export const hardSigmoid = (x: tf.Tensor4D): tf.Tensor4D => tf.relu6(x.add(3)).div(6);

/** Layers one after the other. */
export function sequence(...layers: readonly Layer[]): Layer {
  return (x, training) => layers.reduce((value, layer) => layer(value, training), x);
}

/**
 * Twice the height and width, each pixel four times. Its gradient adds the four up again, by a pooling: op by op it would
 * be two splits and two sums over the whole of it.
 */
export function upsample(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const twice = tf.customGrad((small) => {
    const column = (small as tf.Tensor4D).reshape([batch, height, width, 1, channels]);
    const wide = tf.concat([column, column], 3).reshape([batch, height, 1, 2 * width * channels]);
    const value = tf.concat([wide, wide], 2).reshape<tf.Tensor4D>([batch, 2 * height, 2 * width, channels]);
    return { value, gradFunc: (dy) => tf.avgPool(dy as tf.Tensor4D, 2, 2, 'valid').mul(4) };
  });
  return twice(x) as tf.Tensor4D;
}
