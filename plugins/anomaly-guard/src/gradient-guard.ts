import type { NamedTensors } from '@hookline/core';
import { type StepScope, tf } from '@hookline/tfjs';

/** The largest float32: a larger sum of magnitudes is infinite, and a comparison with NaN is false. */
const LARGEST = 3.4028234663852886e38;

/** Finds gradients that are not finite, inside the step. The host may read the result later. */
export class GradientGuard {
  readonly #names: readonly string[];
  readonly #bad: tf.Variable;

  /** @param owner prefix of the name of the step variable */
  constructor(scope: StepScope, owner: string, names: Iterable<string>) {
    this.#names = [...names];
    this.#bad = scope.variable(`${owner}/bad_gradients`, () => tf.zeros([this.#names.length]), { saved: false });
  }

  /**
   * Counts the variables with a gradient that is not finite, and remembers which they are. Call it inside the step.
   *
   * @param condition if it is false, another plugin such as a loss scaler skips the update, and no gradient counts
   */
  inspect(gradients: NamedTensors, condition?: tf.Scalar): tf.Scalar {
    return tf.tidy(() => {
      const none = tf.scalar(0);
      const flags = this.#names.map((name) => {
        const gradient = gradients[name];
        return gradient === undefined ? none : tf.sub(1, isFinite(gradient).cast('float32'));
      });
      const found = tf.stack(flags);
      const bad = condition === undefined ? found : found.mul(condition.cast('float32'));
      const count = bad.sum().asScalar();
      this.#bad.assign(tf.where(tf.fill(bad.shape, 0).add(count).greater(0), bad, this.#bad));
      return count;
    });
  }

  /** The variables whose gradients were not finite in the last step that had such gradients. Reads from the device. */
  async names(): Promise<readonly string[]> {
    const flags = await this.#bad.data();
    return this.#names.filter((_, index) => flags[index] === 1);
  }
}

function isFinite(x: tf.Tensor): tf.Scalar {
  return tf.tidy(() => x.abs().sum().lessEqual(LARGEST).asScalar());
}
