import { adam, adamW, type Optimizer, sgd, type TrainableModel } from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';

/** The optimizer that `config.solver` describes (detectron2's build_optimizer, with a choice of algorithm). */
export function buildOptimizer({ solver }: BaseConfig, model: TrainableModel): Optimizer {
  const { baseLr, weightDecay, weightDecayNorm, weightDecayBias, biasLrFactor } = solver;
  const common = {
    learningRate: baseLr,
    weightDecay,
    weightDecayNorm,
    biasLrFactor,
    ...(weightDecayBias === null ? {} : { weightDecayBias }),
  };
  if (solver.optimizer === 'sgd')
    return sgd(model, { ...common, momentum: solver.momentum, nesterov: solver.nesterov });
  const [beta1, beta2] = solver.betas;
  return (solver.optimizer === 'adam' ? adam : adamW)(model, { ...common, beta1, beta2, epsilon: solver.epsilon });
}
