import { type BaseConfig, DefaultTrainer, type DefaultTrainerOptions, defineConfig, modelRef } from 'hookline';
import { LEARNING_RATE, makeLoader, makeModel, STEPS, weightsOf } from './task.ts';

const config = defineConfig({
  capture: 'off',
  solver: {
    maxIterations: STEPS,
    baseLr: LEARNING_RATE,
    momentum: 0,
    weightDecay: 0,
    lrSchedule: 'constant',
    warmupIterations: 0,
  },
  writers: { tensorboard: false, plots: false },
});

class SpiralTrainer extends DefaultTrainer {
  override buildModel({ seed }: BaseConfig) {
    return makeModel(seed);
  }

  override buildTrainLoader({ seed }: BaseConfig) {
    return makeLoader(seed);
  }
}

/** Level three: you write a typed config, the model and the data; Hookline adds optimizer, schedule, checkpoints and writers. */
export async function defaultTrainer(seed: number, output: string, options: DefaultTrainerOptions = {}) {
  const trainer = new SpiralTrainer(config.resolve([`seed=${seed}`, `output=${output}`]), options);
  await trainer.train();
  return weightsOf(await trainer.service(modelRef));
}
