import * as tf from '@tensorflow/tfjs';
import type { TrainStep } from './train-step.ts';

/**
 * What the first half of a step may change, the model's state and the scope's variables, as it was before. Copies share
 * memory with the variables until those are assigned.
 */
export class StateSnapshot {
  readonly #before: (readonly [tf.Variable, tf.Tensor])[] = [];

  constructor({ model, scope }: TrainStep) {
    for (const variable of model.state().values()) this.#add(variable);
    for (const { variable } of scope.variables().values()) this.#add(variable);
  }

  /** Puts everything back. */
  restore(): void {
    for (const [variable, before] of this.#before) if (variable.dataId !== before.dataId) variable.assign(before);
  }

  dispose(): void {
    for (const [, before] of this.#before) before.dispose();
  }

  #add(variable: tf.Variable): void {
    this.#before.push([variable, tf.keep(variable.clone())]);
  }
}
