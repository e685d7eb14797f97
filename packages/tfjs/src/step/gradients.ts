import tf from '#tfjs';

interface TapeNode {
  readonly saved: readonly tf.Tensor[];
}
interface TapeState {
  activeTape: TapeNode[] | null;
  gradientDepth: number;
}

/**
 * The value of `f` and its gradients with respect to `variables`, by name. A variable that `f` does not depend on has
 * no gradient. Unlike tfjs's own gradient functions this leaks nothing when `f` throws: they keep what was saved for
 * the backward pass.
 *
 * @param seed what the backward pass begins with; s gives the gradients of s·f. Default 1
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
