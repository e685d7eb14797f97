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
  /** The first iteration after which the weights are averaged, or the number of epochs before it: `6000`, `{ epochs: 30 }`. @default after three quarters of the run */
  readonly start?: Period;
  /** Iterations between two averages, counted from `start`, or epochs: `100`, `{ epochs: 1 }`. @default 1 */
  readonly period?: Period;
  /** Whether evaluation uses the averaged weights as soon as there are any. @default true */
  readonly evaluate?: boolean;
}
