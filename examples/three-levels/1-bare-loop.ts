import { disposeBatch, tf, toDevice, TrainerBase, type TrainerOptions } from 'hookline';
import { LEARNING_RATE, makeLoader, makeModel, STEPS, weightsOf } from './task.ts';

/** Level one: Hookline provides the loop, its hooks and plugins; you write the step. */
export async function bareLoop(seed: number, options: Partial<TrainerOptions> = {}) {
  const model = makeModel(seed);
  const batches = makeLoader(seed)[Symbol.iterator]();
  const variables = [...model.trainable().values()];

  const step = (): number => {
    const device = toDevice(batches.next().value);
    try {
      return tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => model.losses(device.batch) as tf.Scalar, variables);
        for (const variable of variables)
          variable.assign(variable.sub((grads[variable.name] as tf.Tensor).mul(LEARNING_RATE)));
        return value.dataSync()[0] ?? Number.NaN;
      });
    } finally {
      disposeBatch(device);
    }
  };

  const trainer = new TrainerBase({ ...options, step, maxIterations: STEPS, seed });
  await trainer.train();
  return weightsOf(model);
}
