import { isPositivePeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<MemoryStatsOptions>()(
  z.strictObject({
    period: z.custom<Period>(isPositivePeriod, PERIOD_RULE).default(20),
    maxRuns: z.int().nonnegative().default(10),
    leakWindow: z.union([z.int().min(8), z.literal(false)]).default(100),
  }),
);

/** Options of {@link memoryStats}. */
export interface MemoryStatsOptions {
  /**
   * Iterations, or epochs, between measurements: `20`, `{ epochs: 1 }`.
   * @default 20
   */
  period?: Period;
  /**
   * Number of measurements that are logged; all of them are stored as scalars.
   * @default 10
   */
  maxRuns?: number;
  /**
   * Number of steps over which the number of tensors must keep growing to raise the leak alarm, at least 8; false for no alarm.
   * @default 100
   */
  leakWindow?: number | false;
}
