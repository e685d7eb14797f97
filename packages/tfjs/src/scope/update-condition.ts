import { HooklineError } from '@hookline/core';
import tf from '#tfjs';

/** Whether the step in progress, or a part of it, makes its update, as given to `StepScope.updateIf`. */
export class UpdateCondition {
  #value: tf.Scalar | undefined;
  #isOff = false;
  #hasBegun = false;

  /** The logical AND of the conditions on the device; undefined when there are none. */
  get value(): tf.Scalar | undefined {
    return this.#value;
  }

  /** Whether the host has said that there is no update. */
  get isOff(): boolean {
    return this.#isOff;
  }

  /** Clears all conditions, for a new step or for the next part of a step. */
  reset(): void {
    this.#value?.dispose();
    this.#value = undefined;
    this.#isOff = false;
    this.#hasBegun = false;
  }

  /** Adds a condition: the update happens only if all conditions are true. */
  add(condition: tf.Scalar | boolean): void {
    if (this.#hasBegun) {
      throw new HooklineError('HKL_UPDATE_BEGUN', 'the update has begun, too late for a condition', {
        fix: 'Call updateIf() in a tap of gradients, which runs before it',
      });
    }
    if (typeof condition === 'boolean') {
      if (!condition) this.#isOff = true;
      return;
    }
    const { dtype, shape } = condition;
    if (dtype !== 'bool' || shape.length > 0) {
      const found = `a ${dtype} tensor of shape [${shape.join(', ')}]`;
      throw new HooklineError('HKL_UPDATE_CONDITION', `the condition of the update is ${found}`, {
        fix: 'Give true, false, or one boolean on the device, for example tf.all(flags).asScalar() of a tensor of dtype bool',
      });
    }
    const before = this.#value;
    this.#value = tf.keep(before === undefined ? condition.clone() : tf.logicalAnd(before, condition));
    before?.dispose();
  }

  /**
   * Begins the update; later conditions are refused.
   *
   * @returns the condition on the device, which the caller disposes of
   */
  begin(): tf.Scalar | undefined {
    const value = this.#value;
    this.#value = undefined;
    this.#hasBegun = true;
    return value;
  }
}
