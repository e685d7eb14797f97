import { ArrayLoader } from '@hookline/data';
import { ClassificationEvaluator, inferenceOnDataset } from '@hookline/plugin-evaluator';
import type { DatasetEvaluator } from '@hookline/core';
import { functionModel, tf } from '@hookline/tfjs';

/** An evaluator that sums its outputs and cannot be merged from parts. */
class Sum implements DatasetEvaluator {
  #sum = 0;
  reset(): void {
    this.#sum = 0;
  }
  process(_: unknown, outputs: unknown): void {
    for (const value of (outputs as tf.Tensor).dataSync()) this.#sum += value;
  }
  evaluate() {
    return { sum: this.#sum };
  }
}

/** Evaluations of the same model by all processes. */
export async function evaluations(): Promise<readonly unknown[]> {
  const w = tf.variable(tf.tensor2d([0.3, -0.2, 0.5, 0.4, 0.1, -0.6], [2, 3]));
  const model = functionModel({
    variables: { w },
    losses: () => tf.scalar(0),
    predict: (x: tf.Tensor2D) => x.matMul(w as unknown as tf.Tensor2D),
  });
  const count = 23;
  const x = { data: Float32Array.from({ length: count * 2 }, (_, index) => Math.sin(index * 7)), shape: [count, 2] };
  const y = Int32Array.from({ length: count }, (_, index) => (index * 5) % 3);
  const loader = (size = count) =>
    new ArrayLoader(
      { x: { data: x.data.slice(0, size * 2), shape: [size, 2] }, y: y.slice(0, size) },
      { batchSize: 4 },
    );
  const classes = () => new ClassificationEvaluator({ topK: [2], classNames: ['a', 'b', 'c'] });
  const batches = [...loader()];
  const all = [
    await inferenceOnDataset(model, loader(), classes()),
    await inferenceOnDataset(model, batches, [classes()]),
    // There is one batch, so one rank has none.
    await inferenceOnDataset(model, loader(3), classes()),
    await inferenceOnDataset(model, loader(), [classes(), new Sum()]),
  ];
  w.dispose();
  return all;
}
