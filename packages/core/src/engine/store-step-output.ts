import type { EventStorage } from '../storage/event-storage.ts';
import { PendingScalar } from '../storage/pending-scalar.ts';
import type { ScalarValue, StepOutput } from '../step-runner.ts';

/**
 * Stores what a step gave, as detectron2's `write_metrics`: each loss by name when there are several, their sum
 * as `total_loss`, the time spent waiting for data as `data_time` in seconds. Scalars on the device stay there.
 */
export function storeStepOutput(storage: EventStorage, { losses, totalLoss, metrics, dataTime }: StepOutput): void {
  if (dataTime !== undefined) storage.putScalar('data_time', dataTime);
  const names = Object.keys(losses);
  if (names.length > 1) {
    for (const name of names) storage.putScalar(name, losses[name] as ScalarValue);
  }
  const [only] = names;
  if (totalLoss !== undefined) storage.putScalar('total_loss', totalLoss);
  else if (names.length === 1 && only !== undefined) storage.putScalar('total_loss', losses[only] as ScalarValue);
  else if (names.length > 1) {
    const values = Object.values(losses);
    if (values.every((value) => typeof value === 'number'))
      storage.putScalar(
        'total_loss',
        values.reduce((sum, value) => sum + value, 0),
      );
  }
  if (metrics !== undefined) {
    for (const name in metrics) storage.putScalar(name, metrics[name] as ScalarValue);
  }
}

/** Frees what a step gave and nobody has stored. */
export function discardStepOutput({ losses, totalLoss, metrics }: StepOutput): void {
  for (const scalar of new Set([...Object.values(losses), totalLoss, ...Object.values(metrics ?? {})])) {
    // What a tap put into a storage by itself is the storage's.
    if (typeof scalar === 'object' && !PendingScalar.has(scalar)) scalar.dispose?.();
  }
}
