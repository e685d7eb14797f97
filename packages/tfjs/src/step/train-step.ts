import { didYouMean, HooklineError, type NamedLosses, type NamedTensors, type StepPhases } from '@hookline/core';
import * as tf from '@tensorflow/tfjs';
import { indexOutOfRange } from '../kernels/gather.ts';
import { registerKernels } from '../kernels/register-kernels.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { div, mul } from '../optim/arithmetic.ts';
import { collectLosses, sumLosses } from './collect-losses.ts';
import { ConditionalUpdate } from './conditional-update.ts';
import { gradientsByName } from './gradients.ts';
import type { StepScope } from './step-scope.ts';

/** What a step is made of. */
export interface TrainStepParts {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly phases: StepPhases;
  readonly scope: StepScope;
}

/** What the first half of a step gives; all of it belongs to the caller's `tf.tidy`. */
export interface ForwardBackward {
  readonly losses: NamedLosses;
  /** The sum of the losses. Unless it is finite, {@link TrainStep.update} must not run. */
  readonly total: tf.Scalar;
  /** By variable name, as the `gradients` hook left them. */
  readonly gradients: NamedTensors;
}

/**
 * One train step as a pure function of tensors, shared by the eager and the captured runner:
 *
 *     batch hook -> model.losses -> losses hook -> sum -> gradients -> gradients hook
 *     [the runner makes sure that the total loss is finite]
 *     update hook, or else optimizer.apply -> afterUpdate hook
 *
 * Where the scope has a loss scale s, gradients are taken of s·loss and divided by s before the hook sees them; where it
 * has a condition of the update, what the last line changes holds only if that is true.
 *
 * It reads no value on the host. Call both halves inside one `scope.run(iteration, ...)` and one `tf.tidy`.
 */
export class TrainStep {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly scope: StepScope;
  readonly #phases: StepPhases;

  constructor({ model, optimizer, phases, scope }: TrainStepParts) {
    registerKernels();
    this.model = model;
    this.optimizer = optimizer;
    this.scope = scope;
    this.#phases = phases;
    for (const input of optimizer.inputs) scope.adopt(input);
    for (const variant of optimizer.variants) scope.adopt(variant);
  }

  /** The first half: losses and gradients. Changes no weight; may change the model's state and scope variables. */
  forwardBackward(batch: unknown): ForwardBackward {
    const { model } = this;
    const { batch: onBatch, losses: onLosses, gradients: onGradients } = this.#phases;
    const trainable = model.trainable();
    if (trainable.size === 0) {
      throw new HooklineError('HKL_NOTHING_TO_TRAIN', 'the model has no trainable variable', {
        who: `model "${model.name}"`,
        fix: 'Make at least one layer or variable trainable',
      });
    }
    const input = onBatch.used ? onBatch.call(batch) : batch;
    const kept: Record<string, tf.Scalar> = {};
    let names: readonly string[] = [];
    try {
      // A copy, since tfjs disposes of seeds that it has added to.
      const scale = this.scope.lossScale?.().clone();
      const { value: total, gradients: raw } = gradientsByName(
        () => {
          let losses = collectLosses(model.losses(input), `model "${model.name}"`);
          if (onLosses.used) losses = collectLosses(onLosses.call(losses), 'hook losses');
          names = Object.keys(losses);
          if (names.length > 1) {
            // tfjs disposes whatever the differentiated function does not return.
            for (const name of names) kept[name] = tf.keep((losses[name] as tf.Scalar).clone());
          }
          return sumLosses(losses);
        },
        trainable,
        scale,
      );
      const losses: Record<string, tf.Scalar> = {};
      for (const name of names) losses[name] = kept[name]?.clone() ?? total;
      if (Object.keys(raw).length === 0) throw noGradients(model.name);
      if (scale !== undefined) divideAll(raw, scale);
      const gradients = onGradients.used ? checkGradients(onGradients.call(raw), trainable) : raw;
      return { losses, total, gradients };
    } catch (error) {
      throw indexOutOfRange(error, `model "${model.name}"`) ?? error;
    } finally {
      tf.dispose(kept);
    }
  }

  /** The second half: changes the weights. */
  update(gradients: NamedTensors): void {
    const { update, afterUpdate } = this.#phases;
    const trainable = this.model.trainable();
    const condition = this.scope.beginUpdate();
    const conditional = condition === undefined ? undefined : new ConditionalUpdate(condition);
    try {
      const replaced = update.used ? update.call(gradients) : undefined;
      if (replaced === undefined) this.optimizer.apply(gradients, trainable);
      // Before afterUpdate, whose taps shall see the weights that there will be.
      conditional?.settle();
      if (replaced === false || !afterUpdate.used) return;
      afterUpdate.call(Object.fromEntries(trainable));
      conditional?.settle();
    } finally {
      conditional?.dispose();
      condition?.dispose();
    }
  }

  /** Everything that a step may read or change, by name: `model/...`, `optimizer/...` and `scope/...`. */
  variables(): ReadonlyMap<string, tf.Variable> {
    const all = new Map<string, tf.Variable>();
    for (const [name, variable] of this.model.trainable()) all.set(`model/${name}`, variable);
    for (const [name, variable] of this.model.state()) all.set(`model/${name}`, variable);
    for (const [name, variable] of this.optimizer.slots()) all.set(`optimizer/${name}`, variable);
    for (const [name, { variable }] of this.scope.variables()) all.set(`scope/${name}`, variable);
    return all;
  }
}

/** By multiplying with the inverse, which is exact where the scale is a power of two, as in torch's GradScaler. */
function divideAll(gradients: Record<string, tf.Tensor>, scale: tf.Scalar): void {
  const inverse = div(tf.scalar(1), scale);
  for (const name in gradients) gradients[name] = mul(gradients[name] as tf.Tensor, inverse);
}

function noGradients(model: string): HooklineError {
  return new HooklineError('HKL_NO_GRADIENTS', 'the losses depend on none of the trainable variables', {
    who: `model "${model}"`,
    fix: 'Compute the losses from the variables by tensor operations, without reading values',
  });
}

function checkGradients(gradients: NamedTensors, trainable: ReadonlyMap<string, tf.Variable>): NamedTensors {
  for (const name in gradients) {
    const variable = trainable.get(name);
    const gradient = gradients[name] as tf.Tensor | undefined;
    if (variable === undefined) {
      throw new HooklineError('HKL_UNKNOWN_PARAMETER', `there is no trainable variable "${name}"`, {
        where: 'hook gradients',
        fix: didYouMean(name, trainable.keys()),
      });
    }
    const shape = gradient?.shape;
    if (shape?.join() !== variable.shape.join()) {
      const found = shape === undefined ? 'missing' : `of shape [${shape.join(', ')}]`;
      throw new HooklineError('HKL_GRADIENT_SHAPE', `the gradient of "${name}" is ${found}`, {
        where: 'hook gradients',
        fix: `Return one of shape [${variable.shape.join(', ')}], or leave the name out to skip the variable`,
      });
    }
  }
  return gradients;
}
