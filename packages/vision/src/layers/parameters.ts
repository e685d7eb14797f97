import { HooklineError } from '@hookline/core';
import { tf, watchableBatchNorm, type WatchableBatchNorm } from '@hookline/tfjs';

/** The frozen variables of a part of a model: none, those of its batch norms including scales and offsets, or all. */
export type Frozen = 'nothing' | 'batch norms' | 'all';

/** Collects the named variables of a model while its layers are built. Its methods throw `HKL_MODEL_VARIABLE` for a name that is taken. */
export class Parameters {
  readonly trainable = new Map<string, tf.Variable>();
  /** Variables that the optimizer does not update: moving averages and frozen weights. */
  readonly state = new Map<string, tf.Variable>();
  readonly batchNorms: WatchableBatchNorm[] = [];
  #frozen: Frozen = 'nothing';

  /** Freezes the variables that `build` makes. In nested calls the stronger setting applies. */
  freeze<T>(what: Frozen, build: () => T): T {
    const before = this.#frozen;
    if (what === 'all' || before === 'nothing') this.#frozen = what;
    try {
      return build();
    } finally {
      this.#frozen = before;
    }
  }

  /** Makes a weight with the initial value of `init`. It is trained unless this part of the model is frozen. */
  weight(name: string, init: () => tf.Tensor): tf.Variable {
    return this.#addWeight(name, init, this.#frozen === 'all');
  }

  /** Makes a scale or offset of a batch norm. It is trained unless batch norms are frozen. */
  normWeight(name: string, init: () => tf.Tensor): tf.Variable {
    return this.#addWeight(name, init, this.#frozen !== 'nothing');
  }

  /** Makes a variable that the model itself assigns, such as a moving average. */
  average(name: string, init: () => tf.Tensor): tf.Variable {
    return this.#add(this.state, name, init, false);
  }

  /** Registers the moving statistics of a batch norm, so that they can be re-estimated. A frozen one must not update them. */
  batchNorm(name: string, mean: tf.Variable, variance: tf.Variable): WatchableBatchNorm {
    const norm = watchableBatchNorm({ name, mean, variance, trainable: this.#frozen === 'nothing' });
    this.batchNorms.push(norm);
    return norm;
  }

  #addWeight(name: string, init: () => tf.Tensor, isFrozen: boolean): tf.Variable {
    return this.#add(isFrozen ? this.state : this.trainable, name, init, !isFrozen);
  }

  #add(to: Map<string, tf.Variable>, name: string, init: () => tf.Tensor, isTrained: boolean): tf.Variable {
    if (this.trainable.has(name) || this.state.has(name)) {
      throw new HooklineError('HKL_MODEL_VARIABLE', `two variables are called "${name}"`, {
        who: 'the model',
        fix: 'Give each part of the model a name of its own',
      });
    }
    const variable = tf.tidy(() => tf.variable(init(), isTrained));
    to.set(name, variable);
    return variable;
  }
}
