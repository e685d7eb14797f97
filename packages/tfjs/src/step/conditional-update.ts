import tf from '#tfjs';
import { watchNewVariables } from './new-variables.ts';

/**
 * Lets variables change only where a value on the device is true, which the host does not read: {@link ConditionalUpdate.apply}
 * replaces whatever has been assigned by a selection between it and the value from before. So it does not matter who
 * assigns, how often, or what. Needs a `tf.tidy` around it.
 */
export class ConditionalUpdate {
  readonly #condition: tf.Scalar;
  /** Copies, which share memory with the variables until those are assigned. */
  readonly #before = new Map<tf.Variable, tf.Tensor>();
  /** The data of the variables to which the condition has been applied. */
  readonly #resolved = new Map<tf.Variable, object>();
  readonly #made = watchNewVariables();

  /** Begins to watch all variables, also those that are made later: an optimizer or a tap may use some of its own. */
  constructor(condition: tf.Scalar) {
    this.#condition = condition;
    for (const variable of Object.values(tf.engine().registeredVariables)) this.#before.set(variable, variable.clone());
  }

  /** Applies the condition to every variable that was assigned since the beginning, or since the last call. */
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

/** One tensor or the other, by one boolean. */
function select(condition: tf.Scalar, yes: tf.Tensor, no: tf.Tensor): tf.Tensor {
  // TensorFlow's op takes a single boolean, where tfjs spreads it over the whole shape first.
  if (tf.getBackend() === 'tensorflow') return tf.engine().runKernel('Select', { condition, t: yes, e: no });
  return tf.where(condition, yes, no);
}
