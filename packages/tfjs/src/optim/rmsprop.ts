import { assertKnownOptions, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, div, mul, relu, sqrt, square, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link rmsprop}. */
export interface RmspropOptions extends BaseOptimizerOptions {
  /** α, the decay rate of the running mean of squared gradients, in [0, 1). @default 0.99 */
  readonly alpha?: number;
  /** ε, at least 0, added to the square root. @default 1e-8 */
  readonly epsilon?: number;
  /** μ, the momentum factor, at least 0. @default 0 */
  readonly momentum?: number;
  /** Whether gradients are divided by their standard deviation instead of their root mean square. @default false */
  readonly centered?: boolean;
}

const OPTIONS = {
  ...PARAMETER_GROUP_OPTIONS,
  alpha: true,
  epsilon: true,
  momentum: true,
  centered: true,
} satisfies OptionNames<RmspropOptions>;

/** RMSprop; see {@link rmsprop}. */
export class RmspropOptimizer extends BaseOptimizer {
  override readonly name = 'rmsprop';
  readonly alpha: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly centered: boolean;

  constructor(model: TrainableModel, options: RmspropOptions) {
    assertKnownOptions('rmsprop', options, OPTIONS);
    super(model, options);
    this.alpha = options.alpha ?? 0.99;
    this.epsilon = options.epsilon ?? 1e-8;
    this.momentum = options.momentum ?? 0;
    this.centered = options.centered ?? false;
    checkRange('rmsprop', 'alpha', this.alpha, 0, 1);
    checkRange('rmsprop', 'epsilon', this.epsilon, 0, Infinity);
    checkRange('rmsprop', 'momentum', this.momentum, 0, Infinity);
    const variables = model.trainable();
    this.addSlots('square_avg', variables);
    if (this.centered) this.addSlots('grad_avg', variables);
    if (this.momentum > 0) this.addSlots('momentum', variables);
  }

  override apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const [alpha, rest] = [tf.scalar(this.alpha), tf.scalar(1 - this.alpha)];
      const [epsilon, momentum] = [tf.scalar(this.epsilon), tf.scalar(this.momentum)];
      for (const { variable, gradient, name, learningRate } of this.decayed(gradients, variables)) {
        const squares = this.slot('square_avg', name);
        const meanSquare = add(mul(squares, alpha), mul(square(gradient), rest));
        squares.assign(meanSquare);
        let variance = meanSquare;
        if (this.centered) {
          const means = this.slot('grad_avg', name);
          const mean = add(mul(means, alpha), mul(gradient, rest));
          means.assign(mean);
          // Rounding may make the difference negative, and its root would be NaN.
          variance = relu(sub(meanSquare, square(mean)));
        }
        let direction = div(gradient, add(sqrt(variance), epsilon));
        if (this.momentum > 0) {
          const slot = this.slot('momentum', name);
          direction = add(mul(slot, momentum), direction);
          slot.assign(direction);
        }
        variable.assign(sub(variable, mul(direction, learningRate)));
      }
    });
  }
}

/**
 * Makes an RMSprop optimizer (Hinton, lecture 6e; centered: Graves, 2013) with momentum μ and weight decay λ, as in PyTorch:
 * g += λp; v = αv + (1-α)g²; m = αm + (1-α)g; d = g / (√v + ε), or g / (√(v - m²) + ε) if centered; b = μb + d; p -= lr·b.
 *
 * ε is added to the root; `tf.train.rmsprop` adds it inside the root.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const rmsprop = (model: ModelLike, options: RmspropOptions): RmspropOptimizer =>
  new RmspropOptimizer(asModel(model), options);
