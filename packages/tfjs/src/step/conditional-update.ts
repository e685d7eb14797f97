import * as tf from '@tensorflow/tfjs';

interface Guarded {
  readonly variable: tf.Variable;
  readonly before: tf.Tensor;
  /** The data of the variable when it was settled last. */
  settled: object;
}

/**
 * Lets variables change only where a value on the device is true, without a read by the host: whatever has been
 * assigned by the time of {@link ConditionalUpdate.settle} is replaced by a selection between it and the value from
 * before. So it does not matter who assigns, how often, or what. Needs a `tf.tidy` around it.
 */
export class ConditionalUpdate {
  readonly #condition: tf.Scalar;
  readonly #guarded: readonly Guarded[];

  /** Begins here, with all variables that there are: an optimizer or a tap may use some of its own. */
  constructor(condition: tf.Scalar) {
    this.#condition = condition;
    // Copies share memory with the variables until those are assigned.
    this.#guarded = Object.values(tf.engine().registeredVariables).map((variable) => ({
      variable,
      before: variable.clone(),
      settled: variable.dataId,
    }));
  }

  /** Decides about everything that has changed since the beginning, or since the last call. */
  settle(): void {
    for (const each of this.#guarded) {
      const { variable, before, settled } = each;
      if (variable.isDisposed || variable.dataId === settled) continue;
      tf.tidy(() => variable.assign(select(this.#condition, variable, before)));
      each.settled = variable.dataId;
    }
  }
}

/** One tensor or the other, by one boolean. */
function select(condition: tf.Scalar, yes: tf.Tensor, no: tf.Tensor): tf.Tensor {
  // TensorFlow's op takes a single boolean, where tfjs spreads it over the whole shape first.
  if (tf.getBackend() === 'tensorflow') return tf.engine().runKernel('Select', { condition, t: yes, e: no });
  return tf.where(condition, yes, no);
}
