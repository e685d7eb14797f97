import { assertKnownOptions, HooklineError, type NamedTensors, type OptionNames } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { add, mul, sub } from './arithmetic.ts';
import { BaseOptimizer, checkRange, type BaseOptimizerOptions } from './base-optimizer.ts';
import { PARAMETER_GROUP_OPTIONS } from '../parameters/parameter-groups.ts';

/** Options of {@link sgd}. */
export interface SgdOptions extends BaseOptimizerOptions {
  /** μ, the momentum factor, at least 0. @default 0 */
  readonly momentum?: number;
  /** Whether to use Nesterov momentum, which needs `momentum` above 0. @default false */
  readonly nesterov?: boolean;
}

const OPTIONS = { ...PARAMETER_GROUP_OPTIONS, momentum: true, nesterov: true } satisfies OptionNames<SgdOptions>;

/** Stochastic gradient descent; see {@link sgd}. */
export class SgdOptimizer extends BaseOptimizer {
  override readonly name = 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;

  constructor(model: TrainableModel, options: SgdOptions) {
    assertKnownOptions('sgd', options, OPTIONS);
    super(model, options);
    this.momentum = options.momentum ?? 0;
    this.nesterov = options.nesterov ?? false;
    checkRange('sgd', 'momentum', this.momentum, 0, Infinity);
    if (this.nesterov && this.momentum === 0) {
      throw new HooklineError('HKL_OPTIMIZER_OPTION', 'nesterov needs momentum', {
        who: 'sgd',
        fix: 'Give momentum, for example 0.9, or leave nesterov out',
      });
    }
    if (this.momentum > 0) this.addSlots('momentum', model.trainable());
  }

  override apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const momentum = tf.scalar(this.momentum);
      for (const group of this.groups) {
        const learningRate = this.rate(group);
        const decay = group.weightDecay === 0 ? undefined : tf.scalar(group.weightDecay);
        for (const name of group.names) {
          const variable = variables.get(name);
          const gradient = gradients[name];
          if (variable === undefined || gradient === undefined) continue;
          const decayed = decay === undefined ? gradient : add(gradient, mul(variable, decay));
          let direction = decayed;
          if (this.momentum > 0) {
            const slot = this.slot('momentum', name);
            const velocity = add(mul(slot, momentum), decayed);
            slot.assign(velocity);
            direction = this.nesterov ? add(decayed, mul(velocity, momentum)) : velocity;
          }
          variable.assign(sub(variable, mul(direction, learningRate)));
        }
      }
    });
  }
}

/**
 * Makes an optimizer for stochastic gradient descent with momentum μ, Nesterov momentum and weight decay λ, as in PyTorch
 * and detectron2: g += λp; b = μb + g; d = g + μb with Nesterov, else b; p -= lr·d.
 *
 * @example sgd(model, { learningRate: 0.02, momentum: 0.9, weightDecay: 1e-4, weightDecayNorm: 0 })
 * @throws HooklineError `HKL_OPTIMIZER_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN` for an unknown option, and what
 * {@link parameterGroups} raises
 */
export const sgd = (model: ModelLike, options: SgdOptions): SgdOptimizer => new SgdOptimizer(asModel(model), options);
