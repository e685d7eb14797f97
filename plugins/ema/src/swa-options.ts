import { isPeriod, isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const swaSchema = documentedOptions<StochasticWeightAveragingOptions>()(
  z.strictObject({
    start: z.custom<Period>(isPeriod, PERIOD_RULE).optional(),
    period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(1),
    evaluate: z.boolean().default(true),
  }),
);

/** Options of stochastic weight averaging. */
export interface StochasticWeightAveragingOptions {
  /** The first iteration after which the weights are averaged, or the epochs before it: `6000`, `{ epochs: 30 }`. @default after three quarters of the run */
  readonly start?: Period;
  /** Averages after every how many iterations, counted from `start`, or with the ends of epochs: `100`, `{ epochs: 1 }`. @default 1 */
  readonly period?: Period;
  /** Whether evaluation sees the averaged weights, once there are any. @default true */
  readonly evaluate?: boolean;
}
