import { ArrayLoader, checkpointer, type Logger } from 'hookline';
import { fieldsOf, flowers, flowerTrainer } from './flowers.ts';

/** Trains for some epochs, goes on where an earlier run in the folder has ended, with the learning rate of now. */
export async function trainOn(maxEpochs: number, learningRate: number, output: string, logger?: Logger) {
  const options = {
    data: new ArrayLoader(fieldsOf(flowers), { batchSize: 10, shuffle: true }),
    maxEpochs,
    output,
    ...(logger && { logger }),
    plugins: [checkpointer({ period: { epochs: 1 } })],
  };
  const trainer = flowerTrainer(options, learningRate);
  // Weights, what the optimizer keeps and the place in the data are those of the checkpoint; the rate is the one that is asked for.
  await trainer.resumeOrLoad();
  return { trainer, result: await trainer.train() };
}
