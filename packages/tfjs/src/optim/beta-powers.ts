import type { NamedTensors } from '@hookline/core';
import tf from '#tfjs';
import { mul } from './arithmetic.ts';
import type { MakeVariable } from '../parameters/optimizer.ts';

/** β1^t and β2^t, where t is the number of updates. */
export type Powers = readonly [beta1: tf.Tensor, beta2: tf.Tensor];
type PowerVariables = readonly [beta1: tf.Variable, beta2: tf.Variable];

/**
 * The powers β1^t and β2^t of Adam's bias corrections. Parameters share one pair. A set of parameters that is updated from a
 * later step on has its own pair, whose t counts only their updates.
 */
export class BetaPowers {
  readonly #shared: PowerVariables;
  readonly #late = new Map<string, PowerVariables>();

  constructor(shared: PowerVariables) {
    this.#shared = shared;
  }

  /** Gives these parameters their own pair of powers, starting at 1; see `Optimizer.startLater`. */
  startLater(names: readonly string[], makeVariable: MakeVariable): () => void {
    const powers = ['beta1_power', 'beta2_power'].map((name) => makeVariable(name, () => tf.scalar(1)));
    for (const name of names) this.#late.set(name, powers as unknown as PowerVariables);
    return () => {
      for (const name of names) this.#late.delete(name);
    };
  }

  /**
   * Advances the powers by one update: the shared pair always, any other pair only if one of its parameters has a gradient.
   *
   * @returns a function of a parameter's name that gives its powers after the update; parameters that share a pair get the
   *   same object
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

/** Returns `compute` with its results memoized by argument. */
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
