import type { Optimizer } from '../parameters/optimizer.ts';

/** The factor by which one plugin multiplies an optimizer's learning rate. */
export interface LearningRateFactor {
  /** The optimizer's own rate, before any factor. */
  readonly base: number;
  /**
   * Sets this plugin's factor, and thereby the rate of the next step.
   *
   * @param factor a number of at least 0; it is 1 before the first call
   * @throws HooklineError `HKL_OPTIMIZER_OPTION` where the product is negative or not finite
   */
  set(factor: number): void;
  /** Removes the factor. Without any factors the optimizer has its own rate again. */
  release(): void;
}

/** An optimizer's own rate, and the factors by their owners. */
interface Product {
  readonly base: number;
  readonly factors: Map<string, number>;
}

const products = new WeakMap<Optimizer, Product>();

/**
 * Makes a plugin's factor of an optimizer's learning rate. The rate is the product of the optimizer's own rate and the factors
 * of all plugins, so several plugins, such as a schedule and a reduction on a plateau, can change it independently.
 *
 * For an optimizer of several parts, the factor multiplies the rate of each part.
 *
 * Call this in `setup`, before a checkpoint changes the rate, and `release` in `dispose`. The optimizer is held weakly.
 *
 * @param owner the id of the plugin
 * @example const rate = learningRateFactor(optimizer.value, plugin.id);
 * hooks.afterStep.tap(() => rate.set(0.1));
 */
export function learningRateFactor(optimizer: Optimizer, owner: string): LearningRateFactor {
  if (optimizer.parts !== undefined) return factorOfParts([...optimizer.parts.values()], owner);
  const product = products.get(optimizer) ?? { base: optimizer.learningRate, factors: new Map<string, number>() };
  products.set(optimizer, product);
  const { base, factors } = product;
  factors.set(owner, 1);
  const held = new WeakRef(optimizer);
  const multiply = (): void => {
    const target = held.deref();
    if (target === undefined) return;
    let rate = base;
    for (const factor of factors.values()) rate *= factor;
    target.learningRate = rate;
  };
  return {
    base,
    set: (factor) => {
      factors.set(owner, factor);
      multiply();
    },
    release: () => {
      factors.delete(owner);
      multiply();
      const target = held.deref();
      if (factors.size === 0 && target !== undefined) products.delete(target);
    },
  };
}

/** Makes one factor for the rates of all parts. Its base is the largest of their rates. */
function factorOfParts(parts: readonly Optimizer[], owner: string): LearningRateFactor {
  const factors = parts.map((optimizer) => learningRateFactor(optimizer, owner));
  return {
    base: Math.max(...factors.map(({ base }) => base)),
    set: (factor) => {
      for (const each of factors) each.set(factor);
    },
    release: () => {
      for (const each of factors) each.release();
    },
  };
}
