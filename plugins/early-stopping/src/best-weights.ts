import type { StepScope, TrainableModel } from '@hookline/tfjs';
import type { tf } from '@hookline/tfjs';

/** A copy of a model's weights and state on the device, which is saved in checkpoints. */
export class BestWeights {
  readonly #pairs: readonly (readonly [variable: tf.Variable, copy: tf.Variable])[];

  /** @param owner prefix of the names of the step variables */
  constructor(scope: StepScope, owner: string, model: TrainableModel) {
    this.#pairs = [...model.trainable(), ...model.state()].map(([name, variable]) => [
      variable,
      scope.variable(`${owner}/best/${name}`, () => variable.clone()),
    ]);
  }

  /** Copies the current weights. */
  keep(): void {
    for (const [variable, copy] of this.#pairs) copy.assign(variable);
  }

  /** Puts the copies into the model. */
  restore(): void {
    for (const [variable, copy] of this.#pairs) variable.assign(copy);
  }
}
