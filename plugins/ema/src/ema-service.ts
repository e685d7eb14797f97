import { defineService, type ServiceRef } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import type { WeightAverage } from './weight-average.ts';

/** Averaged weights, for other plugins and for users. */
export interface Ema {
  /** The averages by the names of the model's variables; empty before the first training is prepared. */
  readonly averages: ReadonlyMap<string, tf.Variable>;
  /**
   * Calls `fn` with the averages in the model and puts the weights of the training back afterwards, whatever happens.
   * Before there are averages it just calls `fn`.
   *
   * @param options.keepState whether what `fn` assigns to the model's state, such as the statistics of batch norm, takes
   * the place of its averages once `fn` has succeeded. Default false
   */
  withAverages<T>(fn: () => T | Promise<T>, options?: { readonly keepState?: boolean }): Promise<T>;
}

export const emaRef: ServiceRef<Ema> = defineService<Ema>('ema', {
  description: 'the exponential moving average of the weights',
});

/** The service of one trainer; each setup of the plugin attaches its averages. */
export class EmaService implements Ema {
  #average: WeightAverage | undefined;
  #isReady: () => boolean = () => false;

  get averages(): ReadonlyMap<string, tf.Variable> {
    return this.#average?.averages ?? new Map<string, tf.Variable>();
  }

  /** For the plugin: what there is to swap, and whether it holds anything worth it. */
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
