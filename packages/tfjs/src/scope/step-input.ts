import { HooklineError } from '@hookline/core';
import tf from '#tfjs';

/** The values of an input on the host, for one step. */
export type InputValues = Float32Array | Int32Array;

/**
 * A host value that may change from step to step and that the step uses as a tensor.
 *
 * In an eager step, the tensor is made from the host value. While a step is recorded, the recorder provides the tensor,
 * and it feeds {@link StepInput.values} at every later run. So no host value is baked into a recording.
 */
export class StepInput<T extends tf.Tensor = tf.Tensor> {
  readonly name: string;
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly #read: () => InputValues;
  #open = false;
  #fed: T | undefined;
  #made: T | undefined;

  constructor(name: string, dtype: 'float32' | 'int32', shape: readonly number[], read: () => InputValues) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.#read = read;
  }

  /** The current values on the host. */
  values(): InputValues {
    return this.#read();
  }

  /**
   * The tensor inside the step; the same tensor throughout the step.
   *
   * @throws HooklineError `HKL_OUTSIDE_STEP` when no step is running
   */
  tensor(): T {
    if (this.#fed !== undefined) return this.#fed;
    if (!this.#open) {
      throw new HooklineError('HKL_OUTSIDE_STEP', `the step input "${this.name}" has a tensor only inside a step`, {
        fix: 'Call tensor() in a sync tap, a loss or an optimizer; outside of steps use the number itself, and optimizer.minimize(...) in place of apply(...)',
      });
    }
    this.#made ??= tf.keep(tf.tensor(this.#read(), [...this.shape], this.dtype)) as T;
    return this.#made;
  }

  /** For runners: call it when a step begins. `fed` replaces the tensor made from the host value. */
  begin(fed?: T): void {
    this.#open = true;
    this.#fed = fed;
  }

  /** For runners: call it when the step has ended. */
  end(): void {
    this.#open = false;
    this.#fed = undefined;
    this.#made?.dispose();
    this.#made = undefined;
  }
}

/** An input that holds one number. */
export function scalarInput(name: string, read: () => number): StepInput<tf.Scalar> {
  return new StepInput<tf.Scalar>(name, 'float32', [], () => {
    const value: unknown = read();
    if (typeof value !== 'number') {
      throw new HooklineError('HKL_STEP_INPUT', `the step input "${name}" gave ${typeof value} instead of a number`, {
        fix: 'Return a number from its read function',
      });
    }
    return Float32Array.of(value);
  });
}
