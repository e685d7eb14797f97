import { tf } from 'hookline';

export const [INPUTS, HIDDEN, OUTPUTS, BATCH] = [16, 32, 4, 32];
export const LEARNING_RATE = 0.01;

/** A hand-written step, and the same network for `model.fit`. */
export interface StepBody {
  /** Runs one step and returns the loss. */
  readonly step: () => number;
  /** Runs `model.fit` over `steps` batches. Resolves to the milliseconds per step. */
  fit(steps: number): Promise<number>;
  dispose(): void;
}

/** A multilayer perceptron 16-32-4, trained on one batch of 32 with mean squared error and plain SGD. */
export function makeBody(): StepBody {
  const x = tf.randomNormal([BATCH, INPUTS]);
  const y = tf.randomNormal([BATCH, OUTPUTS]);
  const variables = {
    w1: tf.variable(tf.randomNormal([INPUTS, HIDDEN], 0, 0.2)),
    b1: tf.variable(tf.zeros([HIDDEN])),
    w2: tf.variable(tf.randomNormal([HIDDEN, OUTPUTS], 0, 0.2)),
    b2: tf.variable(tf.zeros([OUTPUTS])),
  };
  const { w1, b1, w2, b2 } = variables;
  const list = Object.values(variables);
  const loss = (): tf.Scalar =>
    tf.losses.meanSquaredError(y, x.matMul(w1).add(b1).relu().matMul(w2).add(b2)) as tf.Scalar;
  const step = (): number =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss, list);
      const number = value.dataSync()[0] ?? Number.NaN;
      for (const variable of list)
        variable.assign(variable.sub((grads[variable.name] as tf.Tensor).mul(LEARNING_RATE)));
      return number;
    });
  const { dense } = tf.layers;
  const net = tf.sequential({
    layers: [dense({ inputShape: [INPUTS], units: HIDDEN, activation: 'relu' }), dense({ units: OUTPUTS })],
  });
  net.compile({ optimizer: tf.train.sgd(LEARNING_RATE), loss: 'meanSquaredError' });
  return {
    step,
    async fit(steps) {
      const [xs, ys] = [x.tile([steps, 1]), y.tile([steps, 1])];
      const begin = performance.now();
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- tfjs exports the type of 0, not its name
      await net.fit(xs, ys, { batchSize: BATCH, epochs: 1, verbose: 0, shuffle: false });
      const taken = performance.now() - begin;
      tf.dispose([xs, ys]);
      return taken / steps;
    },
    dispose: () => {
      tf.dispose([x, y, ...list]);
      net.dispose();
    },
  };
}
