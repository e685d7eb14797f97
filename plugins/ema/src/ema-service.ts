import { defineService, type ServiceRef } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import type { WeightAverage } from './weight-average.ts';

/** Averaged weights: the service for other plugins and for users. */
export interface Ema {
  /** The averages by name of the model's variable; empty before the first training is prepared. */
  readonly averages: ReadonlyMap<string, tf.Variable>;
  /**
   * Calls `fn` with the averages in the model, and always restores the training weights afterwards.
   * If there are no averages yet, it only calls `fn`.
   *
   * @param options.keepState whether values that `fn` assigns to the model's state, such as batch norm statistics, replace
   * the averages of that state after `fn` has succeeded. Default false
   */
  withAverages<T>(fn: () => T | Promise<T>, options?: { readonly keepState?: boolean }): Promise<T>;
}

export const emaRef: ServiceRef<Ema> = defineService<Ema>('ema', {
  description: 'the exponential moving average of the weights',
});

/** The implementation of the service for one trainer. Each setup of the plugin attaches its averages. */
export class EmaService implements Ema {
  #average: WeightAverage | undefined;
  #isReady: () => boolean = () => false;

  get averages(): ReadonlyMap<string, tf.Variable> {
    return this.#average?.averages ?? new Map<string, tf.Variable>();
  }

  /** Called by the plugin with the averages, and a function that says whether they already contain anything. */
  attach(average: WeightAverage | undefined, isReady: () => boolean = () => false): void {
    this.#average = average;
    this.#isReady = isReady;
  }

  async withAverages<T>(
    fn: () => T | Promise<T>,
    { keepState = false }: { readonly keepState?: boolean } = {},
  ): Promise<T> {
    const average = this.#average;
    if (average === undefined || !this.#isReady()) return fn();
    average.swapIn();
    try {
      const result = await fn();
      if (keepState) average.takeState();
      return result;
    } finally {
      average.swapOut();
    }
  }
}
