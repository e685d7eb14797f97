import { modelRef, sgd, SimpleTrainer, type TrainerOptions } from 'hookline';
import { LEARNING_RATE, makeLoader, makeModel, STEPS, weightsOf } from './task.ts';

/** Level two: you provide a model, data and an optimizer; Hookline provides the step. */
export async function simpleTrainer(seed: number, options: Partial<TrainerOptions> = {}) {
  const trainer = new SimpleTrainer({
    ...options,
    model: () => makeModel(seed),
    data: makeLoader(seed),
    optimizer: (model) => sgd(model, { learningRate: LEARNING_RATE }),
    maxIterations: STEPS,
    capture: 'off',
    seed,
  });
  await trainer.train();
  return weightsOf(await trainer.service(modelRef));
}
