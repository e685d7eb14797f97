import { didYouMean, HooklineError, type NamedTensors } from '@hookline/core';
import type tf from '#tfjs';

/**
 * What is wrong with gradients that somebody hands on: a name that no variable has, another shape, or a tensor that is
 * gone.
 */
export function gradientsFault(
  gradients: NamedTensors,
  trainable: ReadonlyMap<string, tf.Variable>,
  where: string,
): HooklineError | undefined {
  for (const name in gradients) {
    const variable = trainable.get(name);
    const gradient = gradients[name] as tf.Tensor;
    if (variable === undefined) {
      return new HooklineError('HKL_UNKNOWN_PARAMETER', `there is no trainable variable "${name}"`, {
        where,
        fix: didYouMean(name, trainable.keys()),
      });
    }
    if (gradient.isDisposed) {
      return new HooklineError('HKL_GRADIENT_DISPOSED', `it hands on a gradient of "${name}" that has been disposed`, {
        fix: 'Return new tensors and dispose none: what a step makes is freed after it',
      });
    }
    if (gradient.shape.join() === variable.shape.join()) continue;
    return new HooklineError(
      'HKL_GRADIENT_SHAPE',
      `the gradient of "${name}" is of shape [${gradient.shape.join(', ')}]`,
      {
        where,
        fix: `Return one of shape [${variable.shape.join(', ')}], or leave the name out to skip the variable`,
      },
    );
  }
  return undefined;
}
