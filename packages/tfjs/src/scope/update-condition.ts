import { HooklineError } from '@hookline/core';
import tf from '#tfjs';

/** Whether the step in progress, or a part of it, makes its update: what `StepScope.updateIf` was given. */
export class UpdateCondition {
  #value: tf.Scalar | undefined;
  #isOff = false;
  #hasBegun = false;

  /** The conditions on the device, joined; undefined where there are none. */
  get value(): tf.Scalar | undefined {
    return this.#value;
  }

  /** Whether the host has said that there is no update. */
  get isOff(): boolean {
    return this.#isOff;
  }

  /** Begins anew, without a condition: for a step, or for its next part. */
  reset(): void {
    this.#value?.dispose();
    this.#value = undefined;
    this.#isOff = false;
    this.#hasBegun = false;
  }

  /** Lets the update depend on this condition besides those that it depends on already. */
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

  /** The update begins; no condition may be added any more. @returns the conditions on the device, for the caller to dispose of */
  begin(): tf.Scalar | undefined {
    const value = this.#value;
    this.#value = undefined;
    this.#hasBegun = true;
    return value;
  }
}
