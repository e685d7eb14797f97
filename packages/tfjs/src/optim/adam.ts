import { assertKnownOptions, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, div, mul, sqrt, square, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { BetaPowers, once, type Powers } from './beta-powers.ts';
import type { MakeVariable } from '../parameters/optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link adam} and {@link adamW}. */
export interface AdamOptions extends BaseOptimizerOptions {
  /** β1, the decay rate of the running mean of gradients, in [0, 1). @default 0.9 */
  readonly beta1?: number;
  /** β2, the decay rate of the running mean of squared gradients, in [0, 1). @default 0.999 */
  readonly beta2?: number;
  /** ε, at least 0, added to the square root. @default 1e-8 */
  readonly epsilon?: number;
}

const OPTIONS = {
  ...PARAMETER_GROUP_OPTIONS,
  beta1: true,
  beta2: true,
  epsilon: true,
} satisfies OptionNames<AdamOptions>;

/** Adam with decoupled or L2 weight decay; see {@link adam} and {@link adamW}. */
export class AdamOptimizer extends BaseOptimizer {
  override readonly name: string;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Whether weight decay acts on the weights (AdamW) or is added to the gradients (L2). */
  readonly decoupled: boolean;
  readonly #powers: BetaPowers;

  constructor(model: TrainableModel, options: AdamOptions, decoupled: boolean) {
    const name = decoupled ? 'adamW' : 'adam';
    assertKnownOptions(name, options, OPTIONS);
    super(model, options);
    this.name = name;
    this.decoupled = decoupled;
    this.beta1 = options.beta1 ?? 0.9;
    this.beta2 = options.beta2 ?? 0.999;
    this.epsilon = options.epsilon ?? 1e-8;
    checkRange(this.name, 'beta1', this.beta1, 0, 1);
    checkRange(this.name, 'beta2', this.beta2, 0, 1);
    checkRange(this.name, 'epsilon', this.epsilon, 0, Infinity);
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
      const [beta1, beta2] = [tf.scalar(this.beta1), tf.scalar(this.beta2)];
      // 1 - β is computed from the float32 value of β, so the two weights sum to exactly 1, as the bias correction assumes.
      const [rest1, rest2] = [this.beta1, this.beta2].map((beta) => tf.scalar(1 - Math.fround(beta))) as [
        tf.Scalar,
        tf.Scalar,
      ];
      const powersOf = this.#powers.advance(gradients, beta1, beta2);
      // Both bias corrections go into two scalars, so the parameters need no ops for them.
      const correct = once(([power1, power2]: Powers) => {
        const root2 = sqrt(sub(one, power2));
        return { correction: div(root2, sub(one, power1)), epsilon: mul(tf.scalar(this.epsilon), root2) };
      });
      for (const group of this.groups) {
        const learningRate = this.rate(group);
        const sizeOf = once((powers: Powers) => mul(learningRate, correct(powers).correction));
        const decay = group.weightDecay === 0 ? undefined : tf.scalar(group.weightDecay);
        const shrink = decay !== undefined && this.decoupled ? sub(one, mul(learningRate, decay)) : undefined;
        for (const name of group.names) {
          const variable = variables.get(name);
          let gradient = gradients[name];
          if (variable === undefined || gradient === undefined) continue;
          if (decay !== undefined && shrink === undefined) gradient = add(gradient, mul(variable, decay));
          const [mean, meanSquare] = [this.slot('m', name), this.slot('v', name)];
          const m = add(mul(mean, beta1), mul(gradient, rest1));
          const v = add(mul(meanSquare, beta2), mul(square(gradient), rest2));
          mean.assign(m);
          meanSquare.assign(v);
          const kept = shrink === undefined ? variable : mul(variable, shrink);
          const powers = powersOf(name);
          const { epsilon } = correct(powers);
          variable.assign(sub(kept, mul(div(m, add(sqrt(v), epsilon)), sizeOf(powers))));
        }
      }
    });
  }
}

/**
 * Makes an Adam optimizer (Kingma and Ba, 2015) with weight decay λ added to the gradient (L2): g += λp;
 * m = β1·m + (1-β1)·g; v = β2·v + (1-β2)·g²; p -= lr · (m / (1-β1^t)) / (√(v / (1-β2^t)) + ε).
 *
 * The powers of β are saved variables, so a resumed training continues to the bit.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const adam = (model: ModelLike, options: AdamOptions): AdamOptimizer =>
  new AdamOptimizer(asModel(model), options, false);

/**
 * Makes an AdamW optimizer (Loshchilov and Hutter, 2019): {@link adam} with decoupled weight decay, p *= 1 - lr·λ before the
 * update, in place of L2. The default of `weightDecay` is 0.01.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const adamW = (model: ModelLike, options: AdamOptions): AdamOptimizer =>
  new AdamOptimizer(asModel(model), { weightDecay: 0.01, ...options }, true);
