import { z } from 'zod';
import type { Factor } from './position.ts';

export const constantSchema = z.strictObject({
  type: z.literal('constant'),
  /** @default 1 */
  value: z.number().nonnegative().default(1),
});

export type ConstantSchedule = z.input<typeof constantSchema>;

/** A constant factor. */
export const constant = (value = 1): ConstantSchedule => ({ type: 'constant', value });

/** v */
export const constantFactor =
  ({ value }: z.output<typeof constantSchema>): Factor =>
  () =>
    value;
