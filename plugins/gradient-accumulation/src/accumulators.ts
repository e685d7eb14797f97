import type { NamedTensors } from '@hookline/core';
import { type StepScope, tf } from '@hookline/tfjs';

/** Sums of gradients on the device, one per parameter, saved with the run. */
export class Accumulators {
  readonly #sums = new Map<string, tf.Variable>();
  /** Parameters that had a gradient at all; an optimizer leaves those without one alone. */
  readonly #named = new Set<string>();

  /** @param owner what the names of the step variables begin with */
  constructor(scope: StepScope, owner: string, parameters: ReadonlyMap<string, tf.Variable>) {
    for (const [name, variable] of parameters) {
      this.#sums.set(
        name,
        scope.variable(`${owner}/${name}`, () => tf.zerosLike(variable)),
      );
    }
  }

  /** Names with a gradient so far. */
  get names(): readonly string[] {
    return [...this.#named];
  }

  /** After a restore: which names had a gradient before. */
  remember(names: Iterable<string>): void {
    for (const name of names) this.#named.add(name);
  }

  /** The sums with these gradients added, times `scale`; changes nothing. */
  total(gradients: NamedTensors, scale: number): NamedTensors {
    this.remember(Object.keys(gradients));
    const totals: Record<string, tf.Tensor> = {};
    for (const [name, sum] of this.#sums) {
      if (!this.#named.has(name)) continue;
      const gradient = gradients[name];
      totals[name] = tf.tidy(() => {
        const total = gradient === undefined ? sum.clone() : sum.add(gradient);
        return scale === 1 ? total : total.mul(scale);
      });
    }
    return totals;
  }

  /** Adds these gradients to the sums. */
  add(gradients: NamedTensors): void {
    this.remember(Object.keys(gradients));
    tf.tidy(() => {
      for (const [name, sum] of this.#sums) {
        const gradient = gradients[name];
        if (gradient !== undefined) sum.assign(sum.add(gradient));
      }
    });
  }

  /** Sets the sums to zero. */
  clear(): void {
    tf.tidy(() => {
      for (const sum of this.#sums.values()) sum.assign(tf.zerosLike(sum));
    });
  }
}
