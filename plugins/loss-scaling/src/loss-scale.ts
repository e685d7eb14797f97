import { type StepScope, tf } from '@hookline/tfjs';
import { LARGEST_SCALE, type LossScalingOptions, SMALLEST_SCALE } from './options.ts';

/** A scale on the device that follows the gradients, as torch's GradScaler has it; saved with the run. */
export class LossScale {
  /** The scale of the next step. */
  readonly scale: tf.Variable<tf.Rank.R0>;
  /** How many updates have been skipped. */
  readonly skipped: tf.Variable<tf.Rank.R0>;
  /** Good updates since the scale last changed. */
  readonly #tracker: tf.Variable;
  readonly #options: Required<LossScalingOptions>;

  /** @param owner what the names of the step variables begin with */
  constructor(scope: StepScope, owner: string, options: Required<LossScalingOptions>) {
    this.#options = options;
    const variable = (name: string, init: number) =>
      scope.variable(`${owner}/${name}`, () => tf.scalar(init)) as tf.Variable<tf.Rank.R0>;
    this.scale = variable('scale', options.initScale);
    this.#tracker = variable('growth_tracker', 0);
    this.skipped = variable('skipped', 0);
  }

  /**
   * Inside the step: sets the scale of the next one. After a skipped update it is multiplied by the back-off factor,
   * and after so many good ones in a row by the growth factor.
   *
   * @param isGood one boolean: whether the gradients of this update are finite
   */
  follow(isGood: tf.Scalar): void {
    const { growthFactor, backoffFactor, growthInterval } = this.#options;
    tf.tidy(() => {
      const good = this.#tracker.add(1);
      // Not just equal: a resumed run may have a shorter interval than the one before.
      const isDue = good.greaterEqual(growthInterval);
      const grown = tf.where<tf.Scalar>(isDue, tf.minimum(this.scale.mul(growthFactor), LARGEST_SCALE), this.scale);
      const reduced = tf.maximum<tf.Scalar>(this.scale.mul(backoffFactor), SMALLEST_SCALE);
      this.scale.assign(tf.where(isGood, grown, reduced));
      this.#tracker.assign(tf.where(isGood.logicalAnd(isDue.logicalNot()), good, tf.scalar(0)));
      this.skipped.assign(this.skipped.add<tf.Scalar>(isGood.logicalNot().cast('float32')));
    });
  }
}
