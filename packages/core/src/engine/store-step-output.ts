import type { EventStorage } from '../events/event-storage.ts';
import { PendingScalar } from '../events/pending-scalar.ts';
import type { ScalarValue, StepOutput } from '../step-runner.ts';

/**
 * Stores what a step gave, as detectron2's `write_metrics`: each loss by name when there are several, their total as
 * `total_loss`, the time spent waiting for data as `data_time` in seconds. Scalars on the device stay there.
 */
export function storeStepOutput(storage: EventStorage, output: StepOutput): void {
  const { losses, totalLoss, metrics, dataTime } = output;
  if (dataTime !== undefined) storage.putScalar('data_time', dataTime);
  const names = Object.keys(losses).filter((name) => name !== TOTAL);
  const total = totalOf(output);
  const isAlone = names.length === 1 && totalLoss === undefined && losses[names[0] as string] === total;
  if (!isAlone) for (const name of names) storage.putScalar(name, losses[name] as ScalarValue);
  if (total !== undefined) storage.putScalar(TOTAL, total);
  if (metrics !== undefined) {
    for (const name in metrics) storage.putScalar(name, metrics[name] as ScalarValue);
  }
}

const TOTAL = 'total_loss';

/** The total that the step names itself, before any that is computed here: the only loss, or the sum of several. */
function totalOf({ losses, totalLoss, metrics }: StepOutput): ScalarValue | undefined {
  if (metrics !== undefined && TOTAL in metrics) return undefined; // Stored with the metrics.
  const given = totalLoss ?? losses[TOTAL];
  if (given !== undefined) return given;
  const values = Object.values(losses);
  if (values.length <= 1) return values[0];
  return values.every((value) => typeof value === 'number') ? values.reduce((sum, value) => sum + value, 0) : undefined;
}

/** Frees what a step gave and nobody has stored. */
export function discardStepOutput({ losses, totalLoss, metrics }: StepOutput): void {
  for (const scalar of new Set([...Object.values(losses), totalLoss, ...Object.values(metrics ?? {})])) {
    // What a tap put into a storage by itself is the storage's.
    if (typeof scalar === 'object' && !PendingScalar.has(scalar)) scalar.dispose?.();
  }
}
