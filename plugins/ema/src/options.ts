import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const emaSchema = documentedOptions<EmaOptions>()(
  z.strictObject({
    decay: z.number().min(0).lt(1).default(0.999),
    warmup: z.boolean().default(true),
    averageState: z.boolean().default(true),
    evaluate: z.boolean().default(true),
  }),
);

/** Options of the exponential moving average. */
export interface EmaOptions {
  /** Share of the average that each update keeps, from 0 to below 1. @default 0.999 */
  readonly decay?: number;
  /**
   * Whether to use a smaller decay at the start, min(decay, (1 + n) / (10 + n)) after n updates, so that the initial weights are
   * soon forgotten.
   * @default true
   */
  readonly warmup?: boolean;
  /** Whether the model's state, such as the moving statistics of batch norm, is averaged as well. @default true */
  readonly averageState?: boolean;
  /** Whether evaluation uses the averaged weights. @default true */
  readonly evaluate?: boolean;
}
