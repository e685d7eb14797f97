import tf from '#tfjs';
import { watchNewVariables } from './new-variables.ts';

/**
 * Makes the changes of variables depend on a boolean on the device, which the host never reads. For every variable that
 * has been assigned, {@link ConditionalUpdate.apply} selects between the new value and the value from before. It does
 * not matter which code assigns a variable, how often, or what. Use it inside a `tf.tidy`.
 */
export class ConditionalUpdate {
  readonly #condition: tf.Scalar;
  /** The values from before, as copies that share memory with the variables until those are assigned. */
  readonly #before = new Map<tf.Variable, tf.Tensor>();
  /** The data of each variable when the condition was last applied to it. */
  readonly #resolved = new Map<tf.Variable, object>();
  readonly #made = watchNewVariables();

  /** Starts to watch all variables, including those made later: an optimizer or a tap may create its own. */
  constructor(condition: tf.Scalar) {
    this.#condition = condition;
    for (const variable of Object.values(tf.engine().registeredVariables)) this.#before.set(variable, variable.clone());
  }

  /** Applies the condition to every variable that was assigned since the watch began or since the last call. */
  apply(): void {
    for (const { variable, value } of this.#made.made) this.#before.set(variable, value);
    for (const [variable, before] of this.#before) {
      const { dataId, isDisposed } = variable;
      if (isDisposed || dataId === before.dataId || dataId === this.#resolved.get(variable)) continue;
      tf.tidy(() => variable.assign(select(this.#condition, variable, before)));
      this.#resolved.set(variable, variable.dataId);
    }
  }

  /** Ends the watch and frees the copies. */
  dispose(): void {
    this.#made.stop();
    for (const { value } of this.#made.made) value.dispose();
  }
}

/** Returns `yes` where the boolean scalar is true, else `no`. */
function select(condition: tf.Scalar, yes: tf.Tensor, no: tf.Tensor): tf.Tensor {
  // TensorFlow's Select takes one boolean, whereas tfjs first broadcasts it to the whole shape.
  if (tf.getBackend() === 'tensorflow') return tf.engine().runKernel('Select', { condition, t: yes, e: no });
  return tf.where(condition, yes, no);
}
