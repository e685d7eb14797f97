import { assertKnownOptions, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, div, mul, sqrt, square, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link adagrad}. */
export interface AdagradOptions extends BaseOptimizerOptions {
  /** δ, at least 0: the learning rate of step t = 0, 1, ... is lr / (1 + δt). @default 0 */
  readonly lrDecay?: number;
  /** The initial value of the sums of squared gradients, at least 0. @default 0 */
  readonly initialAccumulator?: number;
  /** ε, at least 0, added to the square root. @default 1e-10 */
  readonly epsilon?: number;
}

const OPTIONS = {
  ...PARAMETER_GROUP_OPTIONS,
  lrDecay: true,
  initialAccumulator: true,
  epsilon: true,
} satisfies OptionNames<AdagradOptions>;

/** Adagrad; see {@link adagrad}. */
export class AdagradOptimizer extends BaseOptimizer {
  override readonly name = 'adagrad';
  readonly lrDecay: number;
  readonly initialAccumulator: number;
  readonly epsilon: number;
  readonly #step: tf.Variable | undefined;

  constructor(model: TrainableModel, options: AdagradOptions) {
    assertKnownOptions('adagrad', options, OPTIONS);
    super(model, options);
    this.lrDecay = options.lrDecay ?? 0;
    this.initialAccumulator = options.initialAccumulator ?? 0;
    this.epsilon = options.epsilon ?? 1e-10;
    checkRange('adagrad', 'lrDecay', this.lrDecay, 0, Infinity);
    checkRange('adagrad', 'initialAccumulator', this.initialAccumulator, 0, Infinity);
    checkRange('adagrad', 'epsilon', this.epsilon, 0, Infinity);
    this.addSlots('sum', model.trainable(), this.initialAccumulator);
    this.#step = this.lrDecay > 0 ? this.addSlot('step', () => tf.scalar(0)) : undefined;
  }

  override apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const epsilon = tf.scalar(this.epsilon);
      const one = tf.scalar(1);
      const slowdown = this.#step === undefined ? undefined : add(one, mul(this.#step, tf.scalar(this.lrDecay)));
      this.#step?.assign(add(this.#step, one));
      for (const { variable, gradient, name, learningRate } of this.decayed(gradients, variables)) {
        const slot = this.slot('sum', name);
        const sum = add(slot, square(gradient));
        slot.assign(sum);
        const rate = slowdown === undefined ? learningRate : div(learningRate, slowdown);
        variable.assign(sub(variable, mul(div(gradient, add(sqrt(sum), epsilon)), rate)));
      }
    });
  }
}

/**
 * Makes an Adagrad optimizer (Duchi et al., 2011) with weight decay λ, as in PyTorch: g += λp; s += g²;
 * p -= lr / (1 + δt) · g / (√s + ε), t = 0, 1, ...
 *
 * ε is added to the root; `tf.train.adagrad` adds it inside the root.
 *
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const adagrad = (model: ModelLike, options: AdagradOptions): AdagradOptimizer =>
  new AdagradOptimizer(asModel(model), options);
