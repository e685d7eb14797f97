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
   * Iterations between histograms. A step that changes no weight, for example during an accumulation, gives none.
   * @default 100
   */
  period?: Period;
  /**
   * Number of buckets of each histogram, of equal width, at most 1000.
   * @default 30
   */
  bins?: number;
}
