import { documentedOptions } from '@hookline/core';
import { type DataSource, dataSourceSchema } from '@hookline/tfjs';
import { z } from 'zod';

export const validationLossSchema = documentedOptions<ValidationLossOptions>()(
  z.strictObject({
    loader: dataSourceSchema,
    name: z.string().min(1).default('val'),
    batchSize: z
      .custom<(batch: unknown) => number>((value) => typeof value === 'function', 'must be a function')
      .optional(),
  }),
);

/** Options of the validation loss. */
export interface ValidationLossOptions {
  /** Batches as the model's losses take them, iterated anew each time. */
  readonly loader: DataSource;
  /** What the scalars' names begin with: `val/total_loss`. @default 'val' */
  readonly name?: string;
  /**
   * How much a batch on the device counts for.
   * @default the leading dimension of the model's inputs, or of the first tensor in the batch
   */
  readonly batchSize?: (batch: unknown) => number;
}
