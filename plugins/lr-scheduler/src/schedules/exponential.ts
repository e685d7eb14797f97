import { z } from 'zod';
import { type Factor, progress } from './position.ts';

export const exponentialSchema = z.strictObject({
  type: z.literal('exponential'),
  /** Factor at the start. @default 1 */
  start: z.number().nonnegative().default(1),
  /** Ratio of the factor at the end to the factor at the start. */
  decay: z.number().positive(),
});

export type ExponentialSchedule = z.input<typeof exponentialSchema>;

/** Exponential decay: the ratio between successive iterations is constant. */
export const exponential = (options: Omit<ExponentialSchedule, 'type'>): ExponentialSchedule => ({
  type: 'exponential',
  ...options,
});

/** s·d^w */
export const exponentialFactor =
  ({ start, decay }: z.output<typeof exponentialSchema>): Factor =>
  (position) =>
    start * decay ** progress(position);
