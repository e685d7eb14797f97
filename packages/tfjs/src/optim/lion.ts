import { assertKnownOptions, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, mul, sign, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link lion}. */
export interface LionOptions extends BaseOptimizerOptions {
  /** β1, the weight of the momentum in the update's direction, in [0, 1). @default 0.9 */
  readonly beta1?: number;
  /** β2, the decay rate of the momentum, in [0, 1). @default 0.99 */
  readonly beta2?: number;
}

const OPTIONS = { ...PARAMETER_GROUP_OPTIONS, beta1: true, beta2: true } satisfies OptionNames<LionOptions>;

/** Lion; see {@link lion}. */
export class LionOptimizer extends BaseOptimizer {
  override readonly name = 'lion';
  readonly beta1: number;
  readonly beta2: number;

  constructor(model: TrainableModel, options: LionOptions) {
    assertKnownOptions('lion', options, OPTIONS);
    super(model, options);
    this.beta1 = options.beta1 ?? 0.9;
    this.beta2 = options.beta2 ?? 0.99;
    checkRange('lion', 'beta1', this.beta1, 0, 1);
    checkRange('lion', 'beta2', this.beta2, 0, 1);
    this.addSlots('m', model.trainable());
  }

  override apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const one = tf.scalar(1);
      const [beta1, beta2] = [tf.scalar(this.beta1), tf.scalar(this.beta2)];
      const [rest1, rest2] = [tf.scalar(1 - this.beta1), tf.scalar(1 - this.beta2)];
      for (const { variable, gradient, name, learningRate, weightDecay } of this.updates(gradients, variables)) {
        const momentum = this.slot('m', name);
        const direction = sign(add(mul(momentum, beta1), mul(gradient, rest1)));
        momentum.assign(add(mul(momentum, beta2), mul(gradient, rest2)));
        const kept = weightDecay === undefined ? variable : mul(variable, sub(one, mul(learningRate, weightDecay)));
        variable.assign(sub(kept, mul(direction, learningRate)));
      }
    });
  }
}

/**
 * Makes a Lion optimizer (Chen et al., 2023) with decoupled weight decay λ: p *= 1 - lr·λ;
 * p -= lr · sign(β1·m + (1-β1)·g); m = β2·m + (1-β2)·g. All elements of an update have the same magnitude, so Lion
 * needs a learning rate 3 to 10 times smaller than Adam's, and a weight decay larger by the same factor.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const lion = (model: ModelLike, options: LionOptions): LionOptimizer =>
  new LionOptimizer(asModel(model), options);
