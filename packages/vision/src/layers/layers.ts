import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { batchNormTraining, tf } from '@hookline/tfjs';
import { drawNormal } from './draw-normal.ts';
import type { Parameters } from './parameters.ts';

/**
 * A function of images or features, float32 [batch, height, width, channels]. `training` is true in train mode and false in eval
 * mode.
 */
export type Layer = (x: tf.Tensor4D, training: boolean) => tf.Tensor4D;

/** Options of {@link conv}. */
export interface ConvOptions {
  /** Width and height of the kernel. @default 3 */
  readonly kernel?: number;
  /** Channels of the input. */
  readonly from: number;
  /** Channels of the output. */
  readonly to: number;
  /** @default 1 */
  readonly stride?: number;
  /**
   * Number of zeros on each side of the input, as in PyTorch. TensorFlow's `same` pads less at the left and top when the stride is
   * above 1.
   * @default with stride 1, as many as keep the size; else 0
   */
  readonly padding?: number;
  /** Initial value of the bias. @default no bias */
  readonly bias?: number;
  /** Standard deviation of the initial weights. @default that of He et al. (2015) for a layer before a ReLU ("fan in") */
  readonly deviation?: number;
  /** Draws the initial weights, normally distributed with mean 0: [kernel, kernel, from, to]. @default tf.randomNormal */
  readonly draw?: (shape: [number, number, number, number], deviation: number) => tf.Tensor;
}

const CONV_OPTIONS = {
  kernel: true,
  from: true,
  to: true,
  stride: true,
  padding: true,
  bias: true,
  deviation: true,
  draw: true,
} as const satisfies OptionNames<ConvOptions>;

/** Options of {@link depthwiseConv}. */
export interface DepthwiseOptions {
  /** Width and height of the kernel. */
  readonly kernel: number;
  /** Channels of the input and of the output. */
  readonly channels: number;
  readonly stride: number;
  /** Standard deviation of the initial weights. @default that of He et al. (2015) for a layer before a ReLU ("fan in") */
  readonly deviation?: number;
}

const DEPTHWISE_OPTIONS = {
  kernel: true,
  channels: true,
  stride: true,
  deviation: true,
} as const satisfies OptionNames<DepthwiseOptions>;

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance. @default 1e-3 */
  readonly epsilon?: number;
  /** Share of the moving statistics that each step keeps. @default 0.9 */
  readonly momentum?: number;
  /** Whether the moving variance uses the unbiased estimate, n / (n - 1) times the batch's, as in PyTorch. @default false */
  readonly unbiased?: boolean;
}

const BATCH_NORM_OPTIONS = {
  epsilon: true,
  momentum: true,
  unbiased: true,
} as const satisfies OptionNames<BatchNormOptions>;

const normal = (shape: [number, number, number, number], deviation: number): tf.Tensor =>
  tf.randomNormal(shape, 0, deviation);

/**
 * Makes a convolution with an optional bias, of [batch, height, width, from]. Its output has `to` channels, and with stride 1 the height
 * and width of its input unless `padding` is set.
 *
 * @param name prefix of its variables `NAME/kernel` and `NAME/bias`
 * @throws HooklineError `HKL_OPTION_UNKNOWN`; `HKL_MODEL_VARIABLE` when the name is taken
 */
export function conv(parameters: Parameters, name: string, options: ConvOptions): Layer {
  assertKnownOptions('conv', options, CONV_OPTIONS);
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

/** Makes a convolution as in torchvision: padded by half of the kernel on each side, with He initialization ("fan out"). */
export function torchConv(parameters: Parameters, name: string, { kernel = 3, ...options }: ConvOptions): Layer {
  const deviation = Math.sqrt(2 / (kernel * kernel * options.to));
  return conv(parameters, name, { kernel, padding: (kernel - 1) / 2, deviation, draw: drawNormal, ...options });
}

/**
 * Makes a depthwise convolution without bias, padded by half of the kernel on each side, as in PyTorch.
 *
 * @param name prefix of its variable `NAME/depthwise_kernel`
 * @throws HooklineError `HKL_OPTION_UNKNOWN`; `HKL_MODEL_VARIABLE` when the name is taken
 */
export function depthwiseConv(parameters: Parameters, name: string, options: DepthwiseOptions): Layer {
  assertKnownOptions('depthwiseConv', options, DEPTHWISE_OPTIONS);
  const { kernel, channels, stride } = options;
  const { deviation = Math.sqrt(2 / (kernel * kernel)) } = options;
  const shape = [kernel, kernel, channels, 1];
  const filter = parameters.weight(`${name}/depthwise_kernel`, () => drawNormal(shape, deviation));
  return (x) =>
    stride === 1
      ? tf.depthwiseConv2d(x, filter as tf.Tensor4D, 1, 'same')
      : tf.depthwiseConv2d(pad(x, (kernel - 1) / 2), filter as tf.Tensor4D, stride, 'valid');
}

/** Max pooling with kernel 3, stride 2 and padding 1, as in PyTorch. No value of `x` may be negative. */
export function maxPool(x: tf.Tensor4D): tf.Tensor4D {
  // It follows a ReLU, so that zeros can serve as padding.
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
 * Makes a batch norm over all axes but the last, with moving averages of mean and variance for eval mode. A frozen batch norm also
 * uses the moving averages in train mode and does not update them.
 *
 * @param name prefix of its variables `NAME/gamma`, `NAME/beta`, `NAME/moving_mean` and `NAME/moving_variance`
 * @param channels length of the last axis
 * @throws HooklineError `HKL_OPTION_UNKNOWN`; `HKL_MODEL_VARIABLE` when the name is taken
 */
export function batchNorm(
  parameters: Parameters,
  name: string,
  channels: number,
  options: BatchNormOptions = {},
): Layer {
  assertKnownOptions('batchNorm', options, BATCH_NORM_OPTIONS);
  const { epsilon = 1e-3, momentum = 0.9, unbiased = false } = options;
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
      // One product and one sum have cheap gradients; those of tf.batchNorm are slow.
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

/** A convolution, a batch norm with the name `NAME/norm`, and a ReLU. @throws HooklineError as {@link conv} does */
export function convNormRelu(parameters: Parameters, name: string, options: ConvOptions): Layer {
  return sequence(conv(parameters, name, options), batchNorm(parameters, `${name}/norm`, options.to), (x) =>
    tf.relu(x),
  );
}

/**
 * Two 3x3 convolutions with batch norms, the first followed by a ReLU. Their output is added to the input, and another ReLU
 * follows.
 *
 * @param channels channels of the input and of the output
 */
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

/** relu6(x + 3) / 6: 0 below -3, 1 above 3, linear in between. */
export const hardSigmoid = (x: tf.Tensor4D): tf.Tensor4D => tf.relu6(x.add(3)).div(6);

/** Makes one layer that applies the given layers in sequence. */
export function sequence(...layers: readonly Layer[]): Layer {
  return (x, training) => layers.reduce((value, layer) => layer(value, training), x);
}

/**
 * Nearest-neighbour upsampling by 2: [batch, height, width, channels] to [batch, 2 height, 2 width, channels]. The custom gradient sums the four copies by a pooling, which is cheaper than the two splits
 * and two sums of automatic differentiation.
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
