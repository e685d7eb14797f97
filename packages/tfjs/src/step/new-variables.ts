import tf from '#tfjs';

/**
 * Variables created during a watch, each with a copy of its first value. The watcher disposes of the copies or puts
 * them back.
 */
export interface NewVariables {
  readonly made: readonly { readonly variable: tf.Variable; readonly value: tf.Tensor }[];
  /** Ends the watch. Of two watches, stop the later one first. */
  stop(): void;
  /** Ends the watch, gives each variable its first value back and disposes of the copies. */
  putBack(): void;
}

/** Collects every variable that is created, by whatever code, until `stop`. */
export function watchNewVariables(): NewVariables {
  const engine = tf.engine();
  const made: { variable: tf.Variable; value: tf.Tensor }[] = [];
  const makeVariable = engine.makeVariable.bind(engine);
  engine.makeVariable = (...args) => {
    const variable = makeVariable(...args);
    made.push({ variable, value: tf.keep(variable.clone()) });
    return variable;
  };
  const stop = (): void => {
    engine.makeVariable = makeVariable;
  };
  return {
    made,
    stop,
    putBack: () => {
      stop();
      for (const { variable, value } of made) {
        if (!variable.isDisposed && variable.dataId !== value.dataId) variable.assign(value);
        value.dispose();
      }
    },
  };
}
