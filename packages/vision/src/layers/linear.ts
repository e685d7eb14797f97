import { tf } from '@hookline/tfjs';
import { drawNormal } from './draw-normal.ts';
import type { Parameters } from './parameters.ts';

/** Options of {@link linearLayer}. */
export interface LinearOptions {
  readonly from: number;
  readonly to: number;
  /** Initial weights and biases are uniform between this and its negative, as in PyTorch's `nn.Linear`. */
  readonly bound?: number;
  /** Without `bound`, initial weights are normal with this standard deviation and biases are 0. */
  readonly deviation?: number;
}

/** A fully connected layer with a bias, from [batch, from] to [batch, to]. */
export function linearLayer(
  parameters: Parameters,
  name: string,
  { from, to, bound, deviation = 0.01 }: LinearOptions,
): (x: tf.Tensor2D) => tf.Tensor2D {
  const draw = (shape: number[]): tf.Tensor =>
    bound === undefined ? drawNormal(shape, deviation) : tf.randomUniform(shape, -bound, bound);
  const kernel = parameters.weight(`${name}/kernel`, () => draw([from, to]));
  const bias = parameters.weight(`${name}/bias`, () => (bound === undefined ? tf.zeros([to]) : draw([to])));
  return (x) => tf.matMul(x, kernel as tf.Tensor2D).add(bias);
}
