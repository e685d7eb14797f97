import { defineService, type WeakServiceRef } from '@hookline/core';
import tf from '#tfjs';
import { stepVariables, type TrainStepOptions } from './train-step.ts';

/** What a plugin may do with the train step as a whole, between two steps. */
export interface TrainingStep {
  /**
   * Every variable that a step may read or change, by name: the model's variables as `model/...`, the optimizer's as
   * `optimizer/...`, and the step variables of plugins as `scope/...`.
   */
  variables(): ReadonlyMap<string, tf.Variable>;
  /**
   * Runs the first part of a train step, the taps of `batch` and the model's losses, and discards the losses. No weight
   * changes, but layers may change their own state, such as moving averages. Host values, random tensors and the number
   * of ranks are those of a train step. Values reported with `metric` are discarded.
   *
   * @param batch a batch on the device; the caller keeps ownership
   * @param iteration the iteration that this pass stands for. Random tensors depend on it, so a pass outside the
   * training should use a number that no step has
   * @throws what the taps and the model raise
   */
  forward(batch: unknown, iteration: number): void;
}

/** The train step, for plugins that need a forward pass or every variable that a step may change. */
export const trainingStepRef: WeakServiceRef<TrainingStep> = defineService<TrainingStep>('trainingStep', {
  description: 'a forward pass of the step, and all that the step may change (of SimpleTrainer and tfjsRuntime)',
  weak: true,
});

/** The train step as plugins see it. */
export function trainingStep(options: Pick<TrainStepOptions, 'model' | 'optimizer' | 'hooks' | 'scope'>): TrainingStep {
  const { model, hooks, scope } = options;
  return {
    variables: () => stepVariables(options),
    forward: (batch, iteration) => {
      try {
        scope.run(iteration, () =>
          tf.tidy(() => void model.losses(hooks.batch.used ? hooks.batch.call(batch) : batch, scope.facade)),
        );
      } finally {
        tf.dispose([...scope.takeMetrics().values()]);
      }
    },
  };
}
