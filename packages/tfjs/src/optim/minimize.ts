import { HooklineError, type NamedTensors } from '@hookline/core';
import tf from '#tfjs';
import { registerKernels } from '../kernels/register-kernels.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { lossFault } from '../gradients/collect-losses.ts';
import { DeviceFigures, readsAtOnce } from '../gradients/device-figures.ts';
import { gradientsByName, gradientsFault } from '../gradients/gradients.ts';
import { figuresOf, isGood, notFinite, packFigures } from '../gradients/step-figures.ts';
import type { Optimizer } from '../parameters/optimizer.ts';

/** Options of `optimizer.minimize`. */
export interface MinimizeOptions {
  /**
   * Transforms the gradients before the update, for example clips them. They are keyed by the names of the model's variables;
   * a variable whose gradient is left out is not updated. Default: the gradients stay unchanged.
   */
  readonly gradients?: (gradients: NamedTensors) => NamedTensors;
}

/** Makes one update of a model's variables, outside of a step runner; see `minimize` of the optimizers. */
export async function minimize(
  optimizer: Optimizer,
  model: TrainableModel,
  loss: () => tf.Scalar,
  { gradients: change }: MinimizeOptions = {},
): Promise<number> {
  registerKernels();
  const trainable = model.trainable();
  const kept: Record<string, tf.Tensor> = {};
  let figures: DeviceFigures | undefined;
  try {
    tf.tidy(() => {
      const { value: total, gradients: raw } = gradientsByName(() => asScalar(loss()), trainable);
      if (Object.keys(raw).length === 0) throw noGradients(optimizer, trainable);
      const gradients = (change?.(raw) ?? raw) as Readonly<Record<string, tf.Tensor>>;
      const fault = gradientsFault(gradients, trainable, 'option gradients of minimize');
      if (fault !== undefined) throw fault;
      for (const name in gradients) kept[name] = tf.keep((gradients[name] as tf.Tensor).clone());
      figures = new DeviceFigures(packFigures([figuresOf({ losses: { loss: total }, total }, { gradients })]));
    });
    const made = figures as unknown as DeviceFigures;
    // Read synchronously where the backend can, so no other code runs between the loss and the update.
    const values = readsAtOnce() ? made.read() : await made.readAsync();
    if (!isGood(made.names, values)) throw notFinite(made.names, values);
    update(optimizer, model, kept);
    return values[0] as number;
  } finally {
    figures?.dispose();
    tf.dispose(kept);
  }
}

/** Applies the update, with the optimizer's inputs set as a step runner sets them. */
function update(optimizer: Optimizer, model: TrainableModel, gradients: NamedTensors): void {
  const parts = [...optimizer.inputs, ...optimizer.variants];
  for (const part of parts) part.begin();
  try {
    tf.tidy(() => {
      optimizer.apply(gradients, model.trainable());
      model.constrain?.(new Set(Object.keys(gradients)));
    });
  } finally {
    for (const part of parts) part.end();
  }
}

function asScalar(value: unknown): tf.Scalar {
  if (value instanceof Promise) {
    value.catch(() => undefined);
    throw new HooklineError('HKL_LOSS_NOT_SCALAR', 'the loss function of minimize is async', {
      who: 'optimizer.minimize',
      fix: 'Compute the loss by tensor operations alone, and await what it needs before',
    });
  }
  const fault = lossFault('loss', value, 'optimizer.minimize');
  if (fault !== undefined) throw fault;
  return (value as tf.Tensor).asScalar();
}

function noGradients({ name }: Optimizer, trainable: ReadonlyMap<string, tf.Variable>): HooklineError {
  const of =
    trainable.size === 0 ? 'it has no trainable variable' : `(${[...trainable.keys()].slice(0, 5).join(', ')})`;
  return new HooklineError('HKL_NO_GRADIENTS', `the loss depends on none of the variables of the optimizer ${of}`, {
    who: name,
    fix: 'Compute the loss from the variables that the optimizer was made with, by tensor operations, without reading values',
  });
}
