import { HooklineError } from '@hookline/core';
import { tf, watchableBatchNorm, type WatchableBatchNorm } from '@hookline/tfjs';

/** Collects the named variables of a model while its layers are made. */
export class Parameters {
  readonly trainable = new Map<string, tf.Variable>();
  /** Variables that the optimizer leaves alone: moving averages. */
  readonly state = new Map<string, tf.Variable>();
  readonly batchNorms: WatchableBatchNorm[] = [];

  /** A trained variable of the value that `init` makes. */
  weight(name: string, init: () => tf.Tensor): tf.Variable {
    return this.#add(this.trainable, name, init, true);
  }

  /** A variable that the model assigns by itself. */
  average(name: string, init: () => tf.Tensor): tf.Variable {
    return this.#add(this.state, name, init, false);
  }

  /** The moving statistics of a batch norm, for whoever estimates them anew. */
  batchNorm(name: string, mean: tf.Variable, variance: tf.Variable): WatchableBatchNorm {
    const norm = watchableBatchNorm({ name, mean, variance });
    this.batchNorms.push(norm);
    return norm;
  }

  #add(to: Map<string, tf.Variable>, name: string, init: () => tf.Tensor, isTrained: boolean): tf.Variable {
    if (this.trainable.has(name) || this.state.has(name)) {
      throw new HooklineError('HKL_DETECT_NAME', `two variables are called "${name}"`, {
        who: 'detector',
        fix: 'Give each part of the model a name of its own',
      });
    }
    const variable = tf.tidy(() => tf.variable(init(), isTrained));
    to.set(name, variable);
    return variable;
  }
}
