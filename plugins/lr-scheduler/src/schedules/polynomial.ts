import { z } from 'zod';
import { type Factor, progress } from './position.ts';

export const polynomialSchema = z.strictObject({
  type: z.literal('polynomial'),
  /** Factor at the start. @default 1 */
  base: z.number().nonnegative().default(1),
  /** Exponent; 1 is a straight line to 0. */
  power: z.number().nonnegative(),
});

export type PolynomialSchedule = z.input<typeof polynomialSchema>;

/** A power of the remaining share of the run. */
export const polynomial = (options: Omit<PolynomialSchedule, 'type'>): PolynomialSchedule => ({
  type: 'polynomial',
  ...options,
});

/** b·(1 − w)^p */
export const polynomialFactor =
  ({ base, power }: z.output<typeof polynomialSchema>): Factor =>
  (position) =>
    base * (1 - progress(position)) ** power;
