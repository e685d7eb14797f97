import { assertKnownOptions, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, div, mul, norm, ratioOr1, sqrt, square, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { BetaPowers, once, type Powers } from './beta-powers.ts';
import type { MakeVariable } from '../parameters/optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link lamb}. */
export interface LambOptions extends BaseOptimizerOptions {
  /** β1, the decay rate of the running mean of gradients, in [0, 1). @default 0.9 */
  readonly beta1?: number;
  /** β2, the decay rate of the running mean of squared gradients, in [0, 1). @default 0.999 */
  readonly beta2?: number;
  /** ε, at least 0, added to the square root. @default 1e-6 */
  readonly epsilon?: number;
}

const OPTIONS = {
  ...PARAMETER_GROUP_OPTIONS,
  beta1: true,
  beta2: true,
  epsilon: true,
} satisfies OptionNames<LambOptions>;

/** LAMB; see {@link lamb}. */
export class LambOptimizer extends BaseOptimizer {
  override readonly name = 'lamb';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly #powers: BetaPowers;

  constructor(model: TrainableModel, options: LambOptions) {
    assertKnownOptions('lamb', options, OPTIONS);
    super(model, options);
    this.beta1 = options.beta1 ?? 0.9;
    this.beta2 = options.beta2 ?? 0.999;
    this.epsilon = options.epsilon ?? 1e-6;
    checkRange('lamb', 'beta1', this.beta1, 0, 1);
    checkRange('lamb', 'beta2', this.beta2, 0, 1);
    checkRange('lamb', 'epsilon', this.epsilon, 0, Infinity);
    const variables = model.trainable();
    this.addSlots('m', variables);
    this.addSlots('v', variables);
    const [power1, power2] = ['beta1_power', 'beta2_power'].map((slot) => this.addSlot(slot, () => tf.scalar(1)));
    this.#powers = new BetaPowers([power1 as tf.Variable, power2 as tf.Variable]);
  }

  startLater(names: readonly string[], makeVariable: MakeVariable): () => void {
    return this.#powers.startLater(names, makeVariable);
  }

  override apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const one = tf.scalar(1);
      const [beta1, beta2, epsilon] = [tf.scalar(this.beta1), tf.scalar(this.beta2), tf.scalar(this.epsilon)];
      // 1 - β is computed from the float32 value of β, so the two weights sum to exactly 1, as the bias correction assumes.
      const [rest1, rest2] = [tf.scalar(1 - Math.fround(this.beta1)), tf.scalar(1 - Math.fround(this.beta2))];
      const powersOf = this.#powers.advance(gradients, beta1, beta2);
      const corrections = once(([power1, power2]: Powers) => [sub(one, power1), sqrt(sub(one, power2))] as const);
      for (const { variable, gradient, name, learningRate, weightDecay } of this.updates(gradients, variables)) {
        const [mean, meanSquare] = [this.slot('m', name), this.slot('v', name)];
        const m = add(mul(mean, beta1), mul(gradient, rest1));
        const v = add(mul(meanSquare, beta2), mul(square(gradient), rest2));
        const [correction1, correction2] = corrections(powersOf(name));
        mean.assign(m);
        meanSquare.assign(v);
        const adam = div(div(m, correction1), add(div(sqrt(v), correction2), epsilon));
        const direction = weightDecay === undefined ? adam : add(adam, mul(variable, weightDecay));
        const trust = ratioOr1(norm(variable), norm(direction));
        variable.assign(sub(variable, mul(direction, mul(trust, learningRate))));
      }
    });
  }
}

/**
 * Makes a LAMB optimizer (You et al., 2020, algorithm 2) with weight decay λ, for large batches:
 * r = (m / (1-β1^t)) / (√(v / (1-β2^t)) + ε) + λp with Adam's m and v; p -= lr · ‖p‖ / ‖r‖ · r. The norms are L2 norms over
 * one variable; where either is 0, their ratio is taken as 1. The default of `weightDecay` is 0.01. Gradients are not clipped.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const lamb = (model: ModelLike, options: LambOptions): LambOptimizer =>
  new LambOptimizer(asModel(model), { weightDecay: 0.01, ...options });
