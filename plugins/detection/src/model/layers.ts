import { batchNormTraining, tf } from '@hookline/tfjs';
import type { Parameters } from './parameters.ts';

/** A function of images or features, [batch, height, width, channels]. */
export type Layer = (x: tf.Tensor4D, training: boolean) => tf.Tensor4D;

/** Shape of a convolution. */
export interface ConvOptions {
  /** Side of its filter. @default 3 */
  readonly kernel?: number;
  readonly from: number;
  readonly to: number;
  /** @default 1, with an output as large as the input; else the filter moves by its own side */
  readonly stride?: number;
  /** First value of the bias; without it there is none. */
  readonly bias?: number;
  /** Standard deviation of the first weights. @default that of He et al. for what a ReLU follows */
  readonly deviation?: number;
}

/** How much of a moving average each step keeps. */
const MOMENTUM = 0.9;
const EPSILON = 1e-3;

/** A convolution, perhaps with a bias. */
export function conv(parameters: Parameters, name: string, options: ConvOptions): Layer {
  const { kernel = 3, from, to, stride = 1, bias: first } = options;
  const { deviation = Math.sqrt(2 / (kernel * kernel * from)) } = options;
  const filter = parameters.weight(`${name}/kernel`, () => tf.randomNormal([kernel, kernel, from, to], 0, deviation));
  const bias = first === undefined ? undefined : parameters.weight(`${name}/bias`, () => tf.fill([to], first));
  return (x) => {
    const y = tf.conv2d(x, filter as tf.Tensor4D, stride, stride === 1 ? 'same' : 'valid');
    return bias === undefined ? y : y.add(bias);
  };
}

/** Batch norm over all axes but the last, with moving averages for eval mode. */
export function batchNorm(parameters: Parameters, name: string, channels: number): Layer {
  const gamma = parameters.weight(`${name}/gamma`, () => tf.ones([channels])) as unknown as tf.Tensor1D;
  const beta = parameters.weight(`${name}/beta`, () => tf.zeros([channels])) as unknown as tf.Tensor1D;
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
        EPSILON,
      ) as tf.Tensor4D;
    }
    norm.report(x);
    const batch = batchNormTraining(x, gamma, beta, EPSILON);
    for (const [average, value] of [
      [mean, batch.mean],
      [variance, batch.variance],
    ] as const) {
      average.assign(average.add(value.sub(average).mul(1 - MOMENTUM)));
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

/** Two 3x3 convolutions whose result is added to what came in. */
export function residualBlock(parameters: Parameters, name: string, channels: number): Layer {
  const size = { from: channels, to: channels };
  const inner = sequence(
    convNormRelu(parameters, `${name}/conv1`, size),
    conv(parameters, `${name}/conv2`, size),
    batchNorm(parameters, `${name}/conv2/norm`, channels),
  );
  return (x, training) => tf.relu(x.add<tf.Tensor4D>(inner(x, training)));
}

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
