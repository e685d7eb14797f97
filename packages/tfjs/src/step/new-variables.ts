import * as tf from '@tensorflow/tfjs';

/** Variables that are made while a watch lasts, each with a copy of its first value, which the watcher disposes of. */
export interface NewVariables {
  readonly made: readonly { readonly variable: tf.Variable; readonly value: tf.Tensor }[];
  /** Ends the watch; of two watches the later one first. */
  stop(): void;
}

/** Notes the variables that anybody makes from here to `stop`. */
export function watchNewVariables(): NewVariables {
  const engine = tf.engine();
  const made: { variable: tf.Variable; value: tf.Tensor }[] = [];
  const makeVariable = engine.makeVariable.bind(engine);
  engine.makeVariable = (...args) => {
    const variable = makeVariable(...args);
    made.push({ variable, value: tf.keep(variable.clone()) });
    return variable;
  };
  return {
    made,
    stop: () => {
      engine.makeVariable = makeVariable;
    },
  };
}
