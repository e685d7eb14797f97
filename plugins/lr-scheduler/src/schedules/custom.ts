import { z } from 'zod';
import type { Factor, Position } from './position.ts';

type CustomFactor = (position: Position) => number;

export const customSchema = z.strictObject({
  type: z.literal('custom'),
  /** The factor for an iteration of the run. */
  factor: z.custom<CustomFactor>((value) => typeof value === 'function', 'give a function'),
});

export type CustomSchedule = z.input<typeof customSchema>;

/** A function of one's own. The one schedule that a config file cannot hold. */
export const custom = (factor: CustomFactor): CustomSchedule => ({ type: 'custom', factor });

export const customFactor = ({ factor }: z.output<typeof customSchema>): Factor => factor;
