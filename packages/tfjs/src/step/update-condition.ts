import { HooklineError } from '@hookline/core';
import tf from '#tfjs';

/** What the update of the step in progress depends on: one boolean on the device, or nothing. */
export class UpdateCondition {
  #value: tf.Scalar | undefined;
  #hasBegun = false;

  get value(): tf.Scalar | undefined {
    return this.#value;
  }

  /** Lets the update depend on another value besides those that it depends on already. */
  add(condition: tf.Scalar): void {
    if (this.#hasBegun) {
      throw new HooklineError('HKL_UPDATE_BEGUN', 'the update has begun, too late for a condition', {
        fix: 'Call updateIf() in a tap of gradients, which runs before it',
      });
    }
    const { dtype, shape } = condition;
    if (dtype !== 'bool' || shape.length > 0) {
      const found = `a ${dtype} tensor of shape [${shape.join(', ')}]`;
      throw new HooklineError('HKL_UPDATE_CONDITION', `the condition of the update is ${found}`, {
        fix: 'Give one boolean, for example tf.all(flags).asScalar() of a tensor of dtype bool',
      });
    }
    const before = this.#value;
    this.#value = tf.keep(before === undefined ? condition.clone() : tf.logicalAnd(before, condition));
    before?.dispose();
  }

  /** The update begins. @returns what it depends on, which the caller disposes of */
  begin(): tf.Scalar | undefined {
    const value = this.#value;
    this.#value = undefined;
    this.#hasBegun = true;
    return value;
  }

  /** The part of the step that was running has ended. */
  end(): void {
    this.#hasBegun = false;
  }

  dispose(): void {
    this.#value?.dispose();
    this.#value = undefined;
  }
}
