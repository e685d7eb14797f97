import { ArrayLoader, checkpointer, type Logger } from 'hookline';
import { fieldsOf, flowers, flowerTrainer } from './flowers.ts';

/** Trains until `maxEpochs`. If the folder contains an earlier run, continues it with the given learning rate. */
export async function trainOn(maxEpochs: number, learningRate: number, output: string, logger?: Logger) {
  const options = {
    data: new ArrayLoader(fieldsOf(flowers), { batchSize: 10, shuffle: true }),
    maxEpochs,
    output,
    ...(logger && { logger }),
    plugins: [checkpointer({ period: { epochs: 1 } })],
  };
  const trainer = flowerTrainer(options, learningRate);
  // Weights, optimizer state and the position in the data come from the checkpoint; the learning rate does not.
  await trainer.resumeOrLoad();
  return { trainer, result: await trainer.train() };
}
