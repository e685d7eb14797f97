import tf from '#tfjs';
import type { TrainStep } from '../step/train-step.ts';

/**
 * A snapshot of variables from before a step. `'state'` covers what the first half of a step may change: the model's state
 * and the scope's variables. `'all'` covers every variable of the step. The copies share memory with the variables until
 * those are assigned.
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

  /** Gives every variable its value from the snapshot. */
  restore(): void {
    for (const [variable, before] of this.#before) {
      // A tap may have disposed of a variable; such a variable is not restored.
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
