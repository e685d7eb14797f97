import { z } from 'zod';
import { type Factor, progress } from './position.ts';

export const exponentialSchema = z.strictObject({
  type: z.literal('exponential'),
  /** Factor at the beginning. @default 1 */
  start: z.number().nonnegative().default(1),
  /** What the whole run multiplies the factor with. */
  decay: z.number().positive(),
});

export type ExponentialSchedule = z.input<typeof exponentialSchema>;

/** The same ratio from each iteration to the next. */
export const exponential = (options: Omit<ExponentialSchedule, 'type'>): ExponentialSchedule => ({
  type: 'exponential',
  ...options,
});

/** s·d^w */
export const exponentialFactor =
  ({ start, decay }: z.output<typeof exponentialSchema>): Factor =>
  (position) =>
    start * decay ** progress(position);
