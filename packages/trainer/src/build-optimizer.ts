import { HooklineError } from '@hookline/core';
import { adagrad, adam, adamW, lamb, lion, type Optimizer, rmsprop, sgd, type TrainableModel } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';

/**
 * The optimizer that `config.solver` describes (detectron2's build_optimizer, with a choice of algorithm).
 *
 * @throws HooklineError `HKL_UNKNOWN_PARAMETER` for `solver.backboneLrFactor` where the model trains no backbone, and what
 * the optimizers raise
 */
export function buildOptimizer({ solver }: BaseConfig, model: TrainableModel): Optimizer {
  const { baseLr, weightDecay, weightDecayNorm, weightDecayBias, biasLrFactor, backboneLrFactor } = solver;
  const common = {
    learningRate: baseLr,
    weightDecay,
    weightDecayNorm,
    biasLrFactor,
    ...(backboneLrFactor === 1 ? {} : { lrFactor: factorOfBackbone(model, backboneLrFactor) }),
    ...(weightDecayBias === null ? {} : { weightDecayBias }),
  };
  const { momentum, nesterov, alpha, centered, lrDecay, initialAccumulator } = solver;
  const epsilon = solver.epsilon === null ? {} : { epsilon: solver.epsilon };
  const betas = solver.betas === null ? {} : { beta1: solver.betas[0], beta2: solver.betas[1] };
  switch (solver.optimizer) {
    case 'sgd':
      return sgd(model, { ...common, momentum, nesterov });
    case 'adam':
      return adam(model, { ...common, ...betas, ...epsilon });
    case 'adamw':
      return adamW(model, { ...common, ...betas, ...epsilon });
    case 'rmsprop':
      return rmsprop(model, { ...common, ...epsilon, momentum, alpha, centered });
    case 'adagrad':
      return adagrad(model, { ...common, ...epsilon, lrDecay, initialAccumulator });
    case 'lion':
      return lion(model, { ...common, ...betas });
    case 'lamb':
      return lamb(model, { ...common, ...betas, ...epsilon });
  }
}

const BACKBONE = 'backbone/';

function factorOfBackbone(model: TrainableModel, factor: number): (name: string) => number {
  if ([...model.trainable().keys()].some((name) => name.startsWith(BACKBONE)))
    return (name) => (name.startsWith(BACKBONE) ? factor : 1);
  throw new HooklineError('HKL_UNKNOWN_PARAMETER', `the model trains no variable named "${BACKBONE}..."`, {
    who: 'config key solver.backboneLrFactor',
    fix: 'Leave the key out; a backbone that is frozen as a whole has no learning rate either',
  });
}
