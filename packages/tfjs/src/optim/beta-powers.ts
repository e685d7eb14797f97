import type { NamedTensors } from '@hookline/core';
import tf from '#tfjs';
import { mul } from './arithmetic.ts';
import type { MakeVariable } from '../parameters/optimizer.ts';

/** β1 and β2 to the power of how many updates there have been. */
export type Powers = readonly [beta1: tf.Tensor, beta2: tf.Tensor];
type PowerVariables = readonly [beta1: tf.Variable, beta2: tf.Variable];

/**
 * The powers that Adam's bias corrections go by. All parameters share them, but for those that begin to be updated later than
 * others: each set of these has its own, which stand still until then.
 */
export class BetaPowers {
  readonly #shared: PowerVariables;
  readonly #late = new Map<string, PowerVariables>();

  constructor(shared: PowerVariables) {
    this.#shared = shared;
  }

  /** See `Optimizer.startLater`. */
  startLater(names: readonly string[], makeVariable: MakeVariable): () => void {
    const powers = ['beta1_power', 'beta2_power'].map((name) => makeVariable(name, () => tf.scalar(1)));
    for (const name of names) this.#late.set(name, powers as unknown as PowerVariables);
    return () => {
      for (const name of names) this.#late.delete(name);
    };
  }

  /**
   * One update more for those whose parameters have a gradient.
   *
   * @returns the powers of a parameter after it; equal objects where several share them
   */
  advance(gradients: NamedTensors, beta1: tf.Tensor, beta2: tf.Tensor): (name: string) => Powers {
    const move = ([first, second]: PowerVariables): Powers => {
      const powers = [mul(first, beta1), mul(second, beta2)] as const;
      first.assign(powers[0]);
      second.assign(powers[1]);
      return powers;
    };
    const shared = move(this.#shared);
    const moved = new Map<PowerVariables, Powers>();
    for (const [name, powers] of this.#late) {
      if (gradients[name] !== undefined && !moved.has(powers)) moved.set(powers, move(powers));
    }
    return (name) => {
      const own = this.#late.get(name);
      return own === undefined ? shared : (moved.get(own) ?? own);
    };
  }
}

/** A function that computes its value once for each argument. */
export function once<A extends object, T>(compute: (of: A) => T): (of: A) => T {
  const values = new Map<A, T>();
  return (of) => {
    const known = values.get(of);
    if (known !== undefined) return known;
    const value = compute(of);
    values.set(of, value);
    return value;
  };
}
