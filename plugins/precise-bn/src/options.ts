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

/** Options of the precise batch norm. */
export interface PreciseBnOptions {
  /**
   * Batches as in training, from a loader of its own: the training's would lose the batches that are taken here. It goes
   * on where it was the time before, also in a resumed run.
   */
  readonly loader: DataSource;
  /** Batches that each estimate is made of. @default 200 */
  readonly batches?: number;
  /** Estimates after every how many iterations, or epochs: `5000`, `{ epochs: 1 }`; 0 for only at the end of the training. @default 0 */
  readonly period?: Period;
  /** Begin again when the loader ends. @default true */
  readonly repeat?: boolean;
}
