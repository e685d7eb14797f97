import { ArrayLoader, ClassificationEvaluator, evaluator, type Logger } from 'hookline';
import { fieldsOf, flowers, flowerTrainer } from './flowers.ts';

/** The accuracy of each of `k` trainings, each tested on the k-th part of the data that it has not seen. */
export async function crossValidate(k: number, output: string, logger?: Logger): Promise<readonly number[]> {
  const accuracies: number[] = [];
  for (let fold = 0; fold < k; fold++) {
    // Every k-th sample; of data that are sorted, shuffle them first.
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
      // Frees the model and what the optimizer keeps.
      await trainer.dispose();
    }
  }
  return accuracies;
}
