import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<WeightHistogramsOptions>()(
  z.strictObject({
    period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(100),
    bins: z.int().positive().max(1000).default(30),
  }),
);

/** Options of {@link weightHistograms}. */
export interface WeightHistogramsOptions {
  /**
   * Every how many iterations. A step that changes no weight, as of an accumulation, gives none.
   * @default 100
   */
  period?: Period;
  /**
   * Buckets of each histogram, of equal width, up to 1000.
   * @default 30
   */
  bins?: number;
}
