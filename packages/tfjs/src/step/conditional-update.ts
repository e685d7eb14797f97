import tf from '#tfjs';
import { watchNewVariables } from './new-variables.ts';

/**
 * Lets variables change only where a value on the device is true, without a read by the host: whatever has been
 * assigned by the time of {@link ConditionalUpdate.resolve} is replaced by a selection between it and the value from
 * before. So it does not matter who assigns, how often, or what. Needs a `tf.tidy` around it.
 */
export class ConditionalUpdate {
  readonly #condition: tf.Scalar;
  /** Copies, which share memory with the variables until those are assigned. */
  readonly #before = new Map<tf.Variable, tf.Tensor>();
  /** The data of the variables that have been decided about. */
  readonly #resolved = new Map<tf.Variable, object>();
  readonly #made = watchNewVariables();

  /** Begins here, with all variables that there are or will be: an optimizer or a tap may use some of its own. */
  constructor(condition: tf.Scalar) {
    this.#condition = condition;
    for (const variable of Object.values(tf.engine().registeredVariables)) this.#before.set(variable, variable.clone());
  }

  /** Decides about everything that has changed since the beginning, or since the last call. */
  resolve(): void {
    for (const { variable, value } of this.#made.made) this.#before.set(variable, value);
    for (const [variable, before] of this.#before) {
      const { dataId, isDisposed } = variable;
      if (isDisposed || dataId === before.dataId || dataId === this.#resolved.get(variable)) continue;
      tf.tidy(() => variable.assign(select(this.#condition, variable, before)));
      this.#resolved.set(variable, variable.dataId);
    }
  }

  /** Ends here. */
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
