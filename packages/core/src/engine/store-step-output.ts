import type { EventStorage } from '../events/event-storage.ts';
import { PendingScalar } from '../events/lazy-scalar.ts';
import type { ScalarValue, StepOutput } from '../step-runner.ts';
import { TOTAL_LOSS, totalLossOf } from '../total-loss.ts';

/**
 * Stores what a step gave, as detectron2's `write_metrics`: each loss by name when there are several, their total as
 * `total_loss`, the time spent waiting for data as `data_time` in seconds. Scalars on the device stay there.
 */
export function storeStepOutput(storage: EventStorage, output: StepOutput): void {
  const { losses, totalLoss, metrics = {}, dataTime } = output;
  if (dataTime !== undefined) storage.putScalar('data_time', dataTime);
  const names = Object.keys(losses).filter((name) => name !== TOTAL_LOSS);
  // A total that the step reports as a metric is stored as that.
  const total = TOTAL_LOSS in metrics ? undefined : totalLossOf(output);
  const isAlone = names.length === 1 && totalLoss === undefined && losses[names[0] as string] === total;
  if (!isAlone) for (const name of names) storage.putScalar(name, losses[name] as ScalarValue);
  if (total !== undefined) storage.putScalar(TOTAL_LOSS, total);
  for (const name in metrics) storage.putScalar(name, metrics[name] as ScalarValue);
}

/** Frees what a step gave and nobody has stored. */
export function discardStepOutput({ losses, totalLoss, metrics }: StepOutput): void {
  for (const scalar of new Set([...Object.values(losses), totalLoss, ...Object.values(metrics ?? {})])) {
    // What a tap put into a storage by itself is the storage's.
    if (typeof scalar === 'object' && !PendingScalar.has(scalar)) scalar.dispose?.();
  }
}
