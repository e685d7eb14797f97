import { ArrayLoader, type Logger, validationLoss, evaluator } from 'hookline';
import { fieldsOf, flowers, flowerTrainer } from './flowers.ts';

/** The options of a trial. */
export interface Trial {
  readonly learningRate: number;
  readonly batchSize: number;
}

/** Trains with the options of a trial. @returns the loss on held-out data */
export async function runTrial({ learningRate, batchSize }: Trial, output: string, logger?: Logger): Promise<number> {
  const [train, held] = [flowers.slice(0, 45), flowers.slice(45)];
  const options = {
    data: new ArrayLoader(fieldsOf(train), { batchSize, shuffle: true }),
    maxEpochs: 4,
    output: `${output}/lr${learningRate}-batch${batchSize}`,
    ...(logger && { logger }),
    plugins: [evaluator(), validationLoss({ loader: new ArrayLoader(fieldsOf(held), { batchSize: 15 }) })],
  };
  const trainer = flowerTrainer(options, learningRate);
  try {
    await trainer.train();
    return trainer.storage.history('val/total_loss').latest();
  } finally {
    await trainer.dispose();
  }
}

/** Tries all combinations. @returns the trials with their losses, the best one first */
export async function sweep(output: string, logger?: Logger): Promise<readonly (Trial & { readonly loss: number })[]> {
  const found: (Trial & { readonly loss: number })[] = [];
  for (const learningRate of [0.001, 0.05])
    for (const batchSize of [5, 15]) {
      const trial = { learningRate, batchSize };
      found.push({ ...trial, loss: await runTrial(trial, output, logger) });
    }
  return found.sort((a, b) => a.loss - b.loss);
}
