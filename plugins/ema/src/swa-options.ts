import { z } from 'zod';

export const swaSchema = z.strictObject({
  start: z.int().nonnegative().optional(),
  period: z.int().positive().default(1),
  evaluate: z.boolean().default(true),
});

/** Options of stochastic weight averaging. */
export interface StochasticWeightAveragingOptions {
  /** The first iteration after which the weights are averaged. @default after three quarters of the run */
  readonly start?: number;
  /** Averages after every how many iterations, counted from `start`; often those of an epoch. @default 1 */
  readonly period?: number;
  /** Whether evaluation sees the averaged weights, once there are any. @default true */
  readonly evaluate?: boolean;
}
