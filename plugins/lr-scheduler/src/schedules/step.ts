import { z } from 'zod';
import { type Factor, unitsDone } from './position.ts';

export const stepSchema = z.strictObject({
  type: z.literal('step'),
  /** The values; each applies to an equal share of the run. */
  values: z.array(z.number().nonnegative()).min(1),
});

export type StepSchedule = z.input<typeof stepSchema>;

/** Values for equal shares of the run. */
export const step = (values: readonly number[]): StepSchedule => ({ type: 'step', values: [...values] });

/** values[⌊w·K⌋] of K values */
export const stepFactor =
  ({ values }: z.output<typeof stepSchema>): Factor =>
  (position) =>
    values[Math.min(unitsDone(position, values.length), values.length - 1)] as number;
