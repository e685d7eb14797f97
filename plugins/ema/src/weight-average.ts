import { HooklineError } from '@hookline/core';
import { type StepScope, tf } from '@hookline/tfjs';

/** Options of {@link WeightAverage}. */
export interface WeightAverageOptions {
  readonly decay: number;
  readonly warmup: boolean;
}

/** Averages of variables on the device, which live with the step and are saved with the run. */
export class WeightAverage {
  readonly #variables: ReadonlyMap<string, tf.Variable>;
  readonly #averages = new Map<string, tf.Variable>();
  /** Names of the variables that no optimizer trains. */
  readonly #state: readonly string[];
  readonly #updates: tf.Variable;
  readonly #options: WeightAverageOptions;
  #live: ReadonlyMap<string, tf.Tensor> | undefined;
  #swaps = 0;

  /**
   * @param owner prefix of the names of the step variables
   * @param trainable the weights to average, by name; those that are not float32 are left out
   * @param state other variables to average, by name; those that are not float32 are left out
   */
  constructor(
    scope: StepScope,
    owner: string,
    trainable: ReadonlyMap<string, tf.Variable>,
    state: ReadonlyMap<string, tf.Variable>,
    options: WeightAverageOptions,
  ) {
    this.#options = options;
    this.#variables = new Map([...trainable, ...state].filter(([, { dtype }]) => dtype === 'float32'));
    this.#state = [...state.keys()].filter((name) => this.#variables.has(name));
    for (const [name, variable] of this.#variables) {
      this.#averages.set(
        name,
        scope.variable(`${owner}/average/${name}`, () => variable.clone()),
      );
    }
    this.#updates = scope.variable(`${owner}/updates`, () => tf.scalar(0));
  }

  /** The averages by name of the variable. */
  get averages(): ReadonlyMap<string, tf.Variable> {
    return this.#averages;
  }

  /** Whether the variables currently hold the averages. */
  get isSwapped(): boolean {
    return this.#swaps > 0;
  }

  /** Restarts the averages from the current weights. */
  reset(): void {
    for (const [name, variable] of this.#variables) this.#average(name).assign(variable);
    tf.tidy(() => this.#updates.assign(tf.scalar(0)));
  }

  /** Inside a step: moves the averages towards the weights, a ← a + (1 - d)(w - a), with d the decay. */
  update(): void {
    tf.tidy(() => {
      const share = tf.sub(1, this.#decay());
      for (const [name, variable] of this.#variables) {
        const average = this.#average(name);
        average.assign(average.add(variable.sub(average).mul(share)));
      }
      this.#updates.assign(this.#updates.add(1));
    });
  }

  /**
   * Between steps: adds the weights to their plain mean, a ← a + (w − a) / (n + 1), as torch's AveragedModel does. State
   * that no optimizer trains is copied instead of averaged.
   *
   * @param count n, the number of weights in the mean so far; with 0 the mean starts at the current weights
   */
  include(count: number): void {
    tf.tidy(() => {
      for (const [name, variable] of this.#variables) {
        const average = this.#average(name);
        const isCopied = count === 0 || this.#state.includes(name);
        average.assign(isCopied ? variable : average.add(variable.sub(average).div(count + 1)));
      }
    });
  }

  /** Puts the averages into the variables. Calls may be nested; each needs a call of {@link WeightAverage.swapOut}. */
  swapIn(): void {
    if (this.#swaps++ > 0) return;
    this.#live = new Map([...this.#variables].map(([name, variable]) => [name, tf.keep(variable.clone())]));
    for (const [name, variable] of this.#variables) variable.assign(this.#average(name));
  }

  /** While the averages are in the variables: the current values of variables that are not trained become their averages. */
  takeState(): void {
    for (const name of this.#state) {
      const variable = this.#variables.get(name);
      if (variable !== undefined) this.#average(name).assign(variable);
    }
  }

  /** Restores the training weights, to the bit. */
  swapOut(): void {
    if (this.#swaps === 0) {
      throw new HooklineError('HKL_EMA_NOT_SWAPPED', 'the weights of the training are in place already', {
        fix: 'Call swapOut() once for each swapIn()',
      });
    }
    if (--this.#swaps > 0) return;
    for (const [name, live] of this.#live ?? []) {
      this.#variables.get(name)?.assign(live);
      live.dispose();
    }
    this.#live = undefined;
  }

  #decay(): tf.Scalar {
    const { decay, warmup } = this.#options;
    if (!warmup) return tf.scalar(decay);
    const updates = this.#updates;
    return tf.minimum(decay, updates.add(1).div(updates.add(10)));
  }

  #average(name: string): tf.Variable {
    return this.#averages.get(name) as tf.Variable;
  }
}
