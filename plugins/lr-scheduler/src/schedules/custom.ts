import { z } from 'zod';
import { type Factor, type Position, progress } from './position.ts';

type CustomFactor = (position: Position) => number;

export const customSchema = z.strictObject({
  type: z.literal('custom'),
  /** The factor for an iteration of the run. */
  factor: z.custom<CustomFactor>((value) => typeof value === 'function', 'give a function'),
});

export type CustomSchedule = z.input<typeof customSchema>;

/** A function of one's own. The one schedule that a config file cannot hold. */
export const custom = (factor: CustomFactor): CustomSchedule => ({ type: 'custom', factor });

/** Within a part, the function is asked as if it had the whole run, squeezed into the part; iterations are then fractions. */
export const customFactor =
  ({ factor }: z.output<typeof customSchema>): Factor =>
  (position) => {
    const { total, maxIterations } = position;
    if (total === maxIterations) return factor(position);
    return factor({ iteration: progress(position) * maxIterations, total: maxIterations, maxIterations });
  };
