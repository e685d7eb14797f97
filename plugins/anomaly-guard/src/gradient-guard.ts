import type { NamedTensors } from '@hookline/core';
import { type Optimizer, type StepScope, tf } from '@hookline/tfjs';

/** The largest float32: sums of magnitudes beyond it are infinite, and NaN is not below it either. */
const LARGEST = 3.4028234663852886e38;

/** Finds gradients that are not finite, inside the step; the host reads what was found when it likes. */
export class GradientGuard {
  readonly #names: readonly string[];
  readonly #bad: tf.Variable;

  /** @param owner what the name of the step variable begins with */
  constructor(scope: StepScope, owner: string, names: Iterable<string>) {
    this.#names = [...names];
    this.#bad = scope.variable(`${owner}/bad_gradients`, () => tf.zeros([this.#names.length]), { saved: false });
  }

  /** Inside the step: how many variables have a gradient that is not finite. Remembers which, where there are any. */
  inspect(gradients: NamedTensors): tf.Scalar {
    return tf.tidy(() => {
      const none = tf.scalar(0);
      const flags = this.#names.map((name) => {
        const gradient = gradients[name];
        return gradient === undefined ? none : tf.sub(1, isFinite(gradient).cast('float32'));
      });
      const bad = tf.stack(flags);
      const count = bad.sum().asScalar();
      this.#bad.assign(tf.where(tf.fill(bad.shape, 0).add(count).greater(0), bad, this.#bad));
      return count;
    });
  }

  /** Inside the step: the optimizer's update, which changes nothing where a gradient is not finite. */
  update(gradients: NamedTensors, optimizer: Optimizer, trainable: ReadonlyMap<string, tf.Variable>): void {
    tf.tidy(() => {
      const ok = Object.values(gradients)
        .map((gradient) => isFinite(gradient))
        .reduce((all, one) => all.logicalAnd(one));
      const variables = [...trainable.values(), ...optimizer.slots().values()];
      const before = variables.map((variable) => variable.clone());
      optimizer.apply(gradients, trainable);
      variables.forEach((variable, index) => {
        const old = before[index] as tf.Tensor;
        // Untouched by the update.
        if (variable.dataId === old.dataId) return;
        variable.assign(tf.where(tf.broadcastTo(ok, variable.shape), variable, old));
      });
    });
  }

  /** The variables whose gradients were not finite in the last step where any was not. Reads from the device. */
  async names(): Promise<readonly string[]> {
    const flags = await this.#bad.data();
    return this.#names.filter((_, index) => flags[index] === 1);
  }
}

function isFinite(x: tf.Tensor): tf.Scalar {
  return tf.tidy(() => x.abs().sum().lessEqual(LARGEST).asScalar());
}
