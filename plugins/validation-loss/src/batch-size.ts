import { HooklineError } from '@hookline/core';
import { tf, type TrainableModel } from '@hookline/tfjs';

/** The leading dimension of the model's inputs, or of the first tensor in a batch; 1 for a scalar. */
export function leadingDimension(model: TrainableModel, batch: unknown, who: string): number {
  const found = firstTensor(model.inputs?.(batch)) ?? firstTensor(batch);
  if (found !== undefined) return found.rank === 0 ? 1 : found.shape[0];
  throw new HooklineError('HKL_VALIDATION_DATA', 'a batch of the held-out data has no tensor to take its size from', {
    who,
    fix: 'Give the option batchSize: (batch) => ...',
  });
}

function firstTensor(value: unknown): tf.Tensor | undefined {
  if (value instanceof tf.Tensor) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const each of Object.values(value)) {
    const found = firstTensor(each);
    if (found !== undefined) return found;
  }
  return undefined;
}
