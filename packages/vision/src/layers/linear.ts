import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { drawNormal } from './draw-normal.ts';
import type { Parameters } from './parameters.ts';

/** Options of {@link linearLayer}. */
export interface LinearOptions {
  /** Length of the input's last axis. */
  readonly from: number;
  /** Length of the output's last axis. */
  readonly to: number;
  /** Initial weights and biases are uniform between this and its negative, as in PyTorch's `nn.Linear`. @default see `deviation` */
  readonly bound?: number;
  /** Without `bound`, initial weights are normal with this standard deviation and biases are 0. @default 0.01 */
  readonly deviation?: number;
}

const OPTIONS = { from: true, to: true, bound: true, deviation: true } as const satisfies OptionNames<LinearOptions>;

/**
 * Makes a fully connected layer with a bias, from float32 [batch, from] to [batch, to].
 *
 * @param name prefix of its variables `NAME/kernel` and `NAME/bias`
 * @throws HooklineError `HKL_OPTION_UNKNOWN`; `HKL_MODEL_VARIABLE` when the name is taken
 */
export function linearLayer(
  parameters: Parameters,
  name: string,
  options: LinearOptions,
): (x: tf.Tensor2D) => tf.Tensor2D {
  assertKnownOptions('linearLayer', options, OPTIONS);
  const { from, to, bound, deviation = 0.01 } = options;
  const draw = (shape: number[]): tf.Tensor =>
    bound === undefined ? drawNormal(shape, deviation) : tf.randomUniform(shape, -bound, bound);
  const kernel = parameters.weight(`${name}/kernel`, () => draw([from, to]));
  const bias = parameters.weight(`${name}/bias`, () => (bound === undefined ? tf.zeros([to]) : draw([to])));
  return (x) => tf.matMul(x, kernel as tf.Tensor2D).add(bias);
}
