import tf from '#tfjs';
import { didYouMean, HooklineError, type NamedTensors } from '@hookline/core';

interface TapeNode {
  readonly saved: readonly tf.Tensor[];
}
interface TapeState {
  activeTape: TapeNode[] | null;
  gradientDepth: number;
}

/**
 * Returns the value of `f` and its gradients with respect to `variables`, by name. A variable that `f` does not depend
 * on has no gradient. When `f` throws, this leaks nothing; tfjs's own gradient functions keep the tensors saved for the
 * backward pass.
 *
 * @param seed the gradient with which the backward pass begins; a seed of s gives the gradients of s·f. Default 1
 */
export function gradientsByName(
  f: () => tf.Scalar,
  variables: ReadonlyMap<string, tf.Variable>,
  seed?: tf.Scalar,
): { readonly value: tf.Scalar; readonly gradients: Record<string, tf.Tensor> } {
  const engine = tf.engine();
  try {
    const { value, grads } = engine.gradients(f, [...variables.values()], seed, true);
    const gradients: Record<string, tf.Tensor> = {};
    let index = 0;
    for (const name of variables.keys()) {
      const gradient = grads[index++];
      if (gradient !== undefined) gradients[name] = gradient;
    }
    return { value, gradients };
  } catch (error) {
    dropTape((engine as { readonly state: unknown } as { readonly state: TapeState }).state);
    throw error;
  }
}

function dropTape(state: TapeState): void {
  if (state.gradientDepth > 0 || state.activeTape === null) return;
  for (const { saved } of state.activeTape) for (const tensor of saved) tensor.dispose();
  state.activeTape = null;
}

/**
 * The error for invalid gradients: a name that no variable has, a shape that differs from the variable's, or a disposed
 * tensor. Undefined when all are valid.
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
