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
  /** Batches for the model's losses, or a function that returns them; iterated from the start each time. */
  readonly loader: DataSource;
  /** Prefix of the scalars' names: `val/total_loss`. @default 'val' */
  readonly name?: string;
  /**
   * Weight of a batch on the device.
   * @default the leading dimension of the model's inputs, or of the first tensor in the batch
   */
  readonly batchSize?: (batch: unknown) => number;
}
