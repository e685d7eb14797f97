import { HooklineError } from '@hookline/core';
import { type StepScope, tf } from '@hookline/tfjs';

/** How {@link WeightAverage} averages. */
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
   * @param owner what the names of the step variables begin with
   * @param trainable weights that are averaged, by name; those that are not float32 are left out
   * @param state other variables that are averaged, likewise
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

  /** The averages by the names of the variables. */
  get averages(): ReadonlyMap<string, tf.Variable> {
    return this.#averages;
  }

  /** Whether the variables hold the averages at present. */
  get isSwapped(): boolean {
    return this.#swaps > 0;
  }

  /** Starts anew from the present weights. */
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
   * Between steps: takes the weights into their plain mean, a ← a + (w − a) / (n + 1), as torch's AveragedModel does. State
   * that no optimizer trains is not averaged but copied.
   *
   * @param count n, how many weights the mean is of so far; with 0 it begins at the present ones
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

  /** Puts the averages into the variables, until as many calls of {@link WeightAverage.swapOut} have been made. */
  swapIn(): void {
    if (this.#swaps++ > 0) return;
    this.#live = new Map([...this.#variables].map(([name, variable]) => [name, tf.keep(variable.clone())]));
    for (const [name, variable] of this.#variables) variable.assign(this.#average(name));
  }

  /** While the averages are in the variables: what was assigned to those that are not trained becomes their average. */
  takeState(): void {
    for (const name of this.#state) {
      const variable = this.#variables.get(name);
      if (variable !== undefined) this.#average(name).assign(variable);
    }
  }

  /** Puts the weights of the training back, to the bit. */
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
