import { isPeriod, type Period, PERIOD_RULE, documentedOptions } from '@hookline/core';
import { type DataSource, dataSourceSchema } from '@hookline/tfjs';
import { z } from 'zod';

export const preciseBnSchema = documentedOptions<PreciseBnOptions>()(
  z.strictObject({
    loader: dataSourceSchema,
    batches: z.int().min(1).default(200),
    period: z.custom<Period>(isPeriod, PERIOD_RULE).default(0),
    repeat: z.boolean().default(true),
  }),
);

/** Options of `preciseBn`. */
export interface PreciseBnOptions {
  /**
   * Batches as in training, from a loader of its own: the training would miss the batches that are taken from its loader. Each estimate
   * continues where the one before ended, also in a resumed run.
   */
  readonly loader: DataSource;
  /** Number of batches for each estimate. @default 200 */
  readonly batches?: number;
  /** Iterations, or epochs, between two estimates: `5000`, `{ epochs: 1 }`; 0 estimates only at the end of the training. @default 0 */
  readonly period?: Period;
  /** Whether to begin again when the loader ends. @default true */
  readonly repeat?: boolean;
}
