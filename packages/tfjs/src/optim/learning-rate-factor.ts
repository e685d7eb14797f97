import type { Optimizer } from '../parameters/optimizer.ts';

/** What one plugin multiplies an optimizer's learning rate with. */
export interface LearningRateFactor {
  /** The optimizer's own rate, which the factors of all plugins multiply. */
  readonly base: number;
  /**
   * Sets this plugin's factor, and with it the rate of the next step.
   *
   * @param factor at least 0. Default before the first call: 1
   * @throws HooklineError `HKL_OPTIMIZER_OPTION` where the product is no learning rate
   */
  set(factor: number): void;
  /** Takes the factor out again. Without any factor the optimizer has its own rate back. */
  release(): void;
}

/** An optimizer's own rate, and the factors by who sets them. */
interface Product {
  readonly base: number;
  readonly factors: Map<string, number>;
}

const products = new WeakMap<Optimizer, Product>();

/**
 * A plugin's factor of an optimizer's learning rate. The rate is the optimizer's own times the factors of all plugins, so
 * that several may change it without knowing of each other: a schedule, and a reduction on a plateau.
 *
 * Of an optimizer of several parts it multiplies the rate of each.
 *
 * Call it in `setup`, before a checkpoint changes the rate, and `release` in `dispose`. It holds the optimizer weakly.
 *
 * @param owner whose factor it is: the id of the plugin
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

/** One factor for the rates of all parts. Its base is the largest of them. */
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
