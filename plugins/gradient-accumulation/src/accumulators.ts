import type { NamedTensors } from '@hookline/core';
import { type StepScope, tf } from '@hookline/tfjs';

/** The weight of a gradient in the mean: a number on the host, or a scalar on the device. */
export type Weight = number | tf.Scalar;

/** Smaller than every sensible weight; it prevents a division by 0, which would give NaN. */
const LEAST_WEIGHT = 1e-30;

/** Weighted sums of gradients on the device, one per parameter, saved with the run. */
export class Accumulators {
  readonly #sums = new Map<string, tf.Variable>();
  /** Sum of the weights. */
  readonly #weight: tf.Variable;
  /** Parameters that have had a gradient. The optimizer does not update the others. */
  readonly #named = new Set<string>();

  /** @param owner prefix of the names of the step variables */
  constructor(scope: StepScope, owner: string, parameters: ReadonlyMap<string, tf.Variable>) {
    for (const [name, variable] of parameters) {
      this.#sums.set(
        name,
        scope.variable(`${owner}/sum/${name}`, () => tf.zerosLike(variable)),
      );
    }
    this.#weight = scope.variable(`${owner}/weight`, () => tf.scalar(0));
  }

  /** Names of the parameters that have had a gradient. */
  get names(): readonly string[] {
    return [...this.#named];
  }

  /** Adds parameters that have had a gradient, such as those of a checkpoint. */
  remember(names: Iterable<string>): void {
    for (const name of names) this.#named.add(name);
  }

  /** Returns Σ g with these gradients g added. It changes no state. */
  sum(gradients: NamedTensors): NamedTensors {
    return this.#totals(gradients, 1, undefined);
  }

  /** Returns Σ w·g / Σ w with these gradients g of weight w added. It changes no state. */
  mean(gradients: NamedTensors, weight: Weight): NamedTensors {
    const share = tf.tidy(() => tf.div(1, tf.maximum(this.#weight.add(weight), LEAST_WEIGHT)));
    return this.#totals(gradients, weight, share);
  }

  /** Adds these gradients, times their weight, to the sums. */
  add(gradients: NamedTensors, weight: Weight): void {
    this.remember(Object.keys(gradients));
    tf.tidy(() => {
      for (const [name, sum] of this.#sums) {
        const gradient = gradients[name];
        if (gradient !== undefined) sum.assign(sum.add(weighted(gradient, weight)));
      }
      this.#weight.assign(this.#weight.add(weight));
    });
  }

  /** Sets the sums to zero. */
  clear(): void {
    tf.tidy(() => {
      for (const sum of [...this.#sums.values(), this.#weight]) sum.assign(tf.zerosLike(sum));
    });
  }

  #totals(gradients: NamedTensors, weight: Weight, share: tf.Tensor | undefined): NamedTensors {
    this.remember(Object.keys(gradients));
    const totals: Record<string, tf.Tensor> = {};
    for (const [name, sum] of this.#sums) {
      if (!this.#named.has(name)) continue;
      const gradient = gradients[name];
      totals[name] = tf.tidy(() => {
        const total = gradient === undefined ? sum.clone() : sum.add(weighted(gradient, weight));
        return share === undefined ? total : total.mul(share);
      });
    }
    return totals;
  }
}

const weighted = (gradient: tf.Tensor, weight: Weight): tf.Tensor => (weight === 1 ? gradient : gradient.mul(weight));
