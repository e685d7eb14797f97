import { ArrayLoader, layersModel, type Logger, tf } from 'hookline';
import { fieldsOf, type FlowerBatch, flowers, flowerTrainer, makeNet } from './flowers.ts';

/** A weight for each class that makes all classes count equally: samples / (classes * samples of the class). */
export function balancedWeights(kinds: readonly number[], classes: number): readonly number[] {
  const counts = Array.from({ length: classes }, (_, kind) => kinds.filter((each) => each === kind).length);
  return counts.map((count) => kinds.length / (classes * count));
}

/** Trains on data in which one class is rare. */
export function weightedTrainer(output: string, logger?: Logger) {
  const weights = balancedWeights(
    flowers.map(({ kind }) => kind),
    2,
  );
  return flowerTrainer({
    data: new ArrayLoader(fieldsOf(flowers), { batchSize: 10, shuffle: true }),
    maxEpochs: 5,
    output,
    ...(logger && { logger }),
    model: () =>
      layersModel<FlowerBatch>(makeNet(), {
        loss: (logits, { y }) => {
          const oneHot = tf.oneHot(y, 2).toFloat();
          const weight = oneHot.mul(tf.tensor1d([...weights])).sum(-1);
          // Divide by the sum of the weights, as torch's CrossEntropyLoss(weight) does.
          const sum = tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(oneHot, logits, weight, 0, tf.Reduction.SUM);
          return sum.div<tf.Scalar>(weight.sum());
        },
      }),
  });
}
