import { adagrad, adam, adamW, lamb, lion, type Optimizer, rmsprop, sgd, type TrainableModel } from '@hookline/tfjs';
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
