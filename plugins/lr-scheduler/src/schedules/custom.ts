import { z } from 'zod';
import { type Factor, type Position, progress } from './position.ts';

type CustomFactor = (position: Position) => number;

export const customSchema = z.strictObject({
  type: z.literal('custom'),
  /** The factor for an iteration of the run. */
  factor: z.custom<CustomFactor>((value) => typeof value === 'function', 'give a function'),
});

export type CustomSchedule = z.input<typeof customSchema>;

/** A user-defined function. It is the only schedule that a config file cannot contain. */
export const custom = (factor: CustomFactor): CustomSchedule => ({ type: 'custom', factor });

/** Within a part of a `composite`, the function is evaluated as if it had the whole run, compressed into the part; iterations may then be fractions. */
export const customFactor =
  ({ factor }: z.output<typeof customSchema>): Factor =>
  (position) => {
    const { total, maxIterations } = position;
    if (total === maxIterations) return factor(position);
    return factor({ iteration: progress(position) * maxIterations, total: maxIterations, maxIterations });
  };
