import { HooklineError } from '@hookline/core';
import {
  adagrad,
  adam,
  alternatingOptimizer,
  adamW,
  lamb,
  lion,
  type Optimizer,
  rmsprop,
  sgd,
  type TrainableModel,
} from '@hookline/tfjs';
import type { BaseConfig } from './config/config-schema.ts';
import { isWritten } from './config/written-keys.ts';

/**
 * Builds the optimizer of `config.solver` (detectron2's build_optimizer, with a choice of algorithm). For an
 * `alternatingModel`, it uses the optimizers of the parts.
 *
 * @throws HooklineError `HKL_UNKNOWN_PARAMETER` if `solver.backboneLrFactor` is set and the model trains no variable named `backbone/...`;
 * `HKL_CONFIG_PARTS` if the model has parts with their own optimizers and the config sets a key of an optimizer; and the errors of the optimizers
 */
export function buildOptimizer(config: BaseConfig, model: TrainableModel): Optimizer {
  const { solver } = config;
  if (model.parts !== undefined) {
    const unused = OF_ONE_OPTIMIZER.find((key) => isWritten(config, key));
    if (unused !== undefined) throw ofParts(unused, model.parts.keys());
    return alternatingOptimizer(model.parts);
  }
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

/** Keys of the optimizer. They would have no effect on a model of several parts, each of which has its own optimizer. */
const OF_ONE_OPTIMIZER = [
  ...['optimizer', 'baseLr', 'momentum', 'nesterov', 'betas', 'epsilon', 'alpha', 'centered', 'lrDecay'],
  ...['initialAccumulator', 'weightDecay', 'weightDecayNorm', 'weightDecayBias', 'biasLrFactor', 'backboneLrFactor'],
].map((key) => `solver.${key}`);

const ofParts = (key: string, parts: Iterable<string>): HooklineError =>
  new HooklineError('HKL_CONFIG_PARTS', 'it is set, but each part of the model has its own optimizer', {
    who: `config key ${key}`,
    fix: `Leave the key out, and give the value to the optimizers of ${[...parts].join(' and ')} in alternatingModel`,
  });
