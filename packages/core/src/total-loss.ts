import type { ScalarValue, StepOutput } from './step-runner.ts';

/** The name under which the sum of a step's losses is stored; also that of a loss without a name. */
export const TOTAL_LOSS = 'total_loss';

/**
 * The total of a step's losses, by the first of these that there is: `totalLoss`; the loss named `total_loss`; the only loss;
 * the sum of the losses.
 *
 * @returns undefined for a step without a loss, and for several losses of which one is still on the device
 */
export function totalLossOf({ losses, totalLoss }: Pick<StepOutput, 'losses' | 'totalLoss'>): ScalarValue | undefined {
  const given = totalLoss ?? losses[TOTAL_LOSS];
  if (given !== undefined) return given;
  const values = Object.values(losses);
  if (values.length <= 1) return values[0];
  return values.every((value) => typeof value === 'number') ? values.reduce((sum, value) => sum + value, 0) : undefined;
}
