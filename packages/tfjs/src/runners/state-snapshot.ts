import tf from '#tfjs';
import type { TrainStep } from '../step/train-step.ts';

/**
 * What the first half of a step may change, the model's state and the scope's variables, as it was before; or everything
 * that a step may change. Copies share memory with the variables until those are assigned.
 */
export class StateSnapshot {
  readonly #before: (readonly [tf.Variable, tf.Tensor])[] = [];

  constructor(step: TrainStep, what: 'state' | 'all' = 'state') {
    const { model, scope } = step;
    if (what === 'all') {
      for (const variable of step.variables().values()) this.#add(variable);
      return;
    }
    for (const variable of model.state().values()) this.#add(variable);
    for (const { variable } of scope.variables().values()) this.#add(variable);
  }

  /** Puts everything back. */
  restore(): void {
    for (const [variable, before] of this.#before) {
      // What a tap has disposed is gone.
      if (!variable.isDisposed && variable.dataId !== before.dataId) variable.assign(before);
    }
  }

  dispose(): void {
    for (const [, before] of this.#before) before.dispose();
  }

  #add(variable: tf.Variable): void {
    if (variable.isDisposed) return;
    this.#before.push([variable, tf.keep(variable.clone())]);
  }
}
