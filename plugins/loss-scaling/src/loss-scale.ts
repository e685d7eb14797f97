import { type StepScope, tf } from '@hookline/tfjs';
import { LARGEST_SCALE, type LossScalingOptions, SMALLEST_SCALE } from './options.ts';

/** A loss scale on the device that is adjusted to the gradients, as in torch's GradScaler. It is saved with the run. */
export class LossScale {
  /** The scale of the next step. */
  readonly scale: tf.Variable<tf.Rank.R0>;
  /** Number of skipped updates. */
  readonly skipped: tf.Variable<tf.Rank.R0>;
  /** Number of finite updates since the scale last changed. */
  readonly #tracker: tf.Variable;
  readonly #options: Required<LossScalingOptions>;

  /** @param owner prefix of the names of the step variables */
  constructor(scope: StepScope, owner: string, options: Required<LossScalingOptions>) {
    this.#options = options;
    const variable = (name: string, init: number) =>
      scope.variable(`${owner}/${name}`, () => tf.scalar(init)) as tf.Variable<tf.Rank.R0>;
    this.scale = variable('scale', options.initScale);
    this.#tracker = variable('growth_tracker', 0);
    this.skipped = variable('skipped', 0);
  }

  /**
   * Sets the scale of the next step. After a skipped update it is multiplied by the backoff factor, and after `growthInterval`
   * successive finite updates by the growth factor. Call it inside the step.
   *
   * @param isGood a boolean scalar: whether the gradients of this update are finite
   */
  follow(isGood: tf.Scalar): void {
    const { growthFactor, backoffFactor, growthInterval } = this.#options;
    tf.tidy(() => {
      const good = this.#tracker.add(1);
      // Use >= because a resumed run may have a shorter interval than the run before.
      const isDue = good.greaterEqual(growthInterval);
      const grown = tf.where<tf.Scalar>(isDue, tf.minimum(this.scale.mul(growthFactor), LARGEST_SCALE), this.scale);
      const reduced = tf.maximum<tf.Scalar>(this.scale.mul(backoffFactor), SMALLEST_SCALE);
      this.scale.assign(tf.where(isGood, grown, reduced));
      this.#tracker.assign(tf.where(isGood.logicalAnd(isDue.logicalNot()), good, tf.scalar(0)));
      this.skipped.assign(this.skipped.add<tf.Scalar>(isGood.logicalNot().cast('float32')));
    });
  }
}
