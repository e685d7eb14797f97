import { ArrayLoader, ClassificationEvaluator, evaluator, type Logger } from 'hookline';
import { fieldsOf, flowers, flowerTrainer } from './flowers.ts';

/** Trains `k` times, each time on all folds but one. Returns the accuracy of each training on the fold that it has not seen. */
export async function crossValidate(k: number, output: string, logger?: Logger): Promise<readonly number[]> {
  const accuracies: number[] = [];
  for (let fold = 0; fold < k; fold++) {
    // Each fold takes every k-th sample. If your data are sorted, shuffle them first.
    const test = flowers.filter((_, index) => index % k === fold);
    const train = flowers.filter((_, index) => index % k !== fold);
    const trainer = flowerTrainer({
      data: new ArrayLoader(fieldsOf(train), { batchSize: 8, shuffle: true }),
      maxEpochs: 6,
      output: `${output}/fold${fold}`,
      ...(logger && { logger }),
      plugins: [
        evaluator({
          loader: new ArrayLoader(fieldsOf(test), { batchSize: 8 }),
          evaluators: new ClassificationEvaluator(),
        }),
      ],
    });
    try {
      const { results } = await trainer.train();
      accuracies.push(results?.['accuracy'] as number);
    } finally {
      // Free the model and the optimizer state.
      await trainer.dispose();
    }
  }
  return accuracies;
}
