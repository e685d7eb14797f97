import { documentedOptions } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import { z } from 'zod';

/**
 * The size of a batch on the device: a number of the host, or a scalar on the device. The type takes any tensor, since
 * TypeScript before 6.0 does not see that `mask.sum()` is a scalar here; others are refused (`HKL_ACCUMULATION_BATCH_SIZE`).
 */
export type BatchSizeFunction = (batch: never) => number | tf.Tensor;

export const gradientAccumulationSchema = documentedOptions<GradientAccumulationOptions>()(
  z.strictObject({
    steps: z.int().min(1),
    reduction: z.enum(['mean', 'sum']).default('mean'),
    batchSize: z.custom<BatchSizeFunction>((value) => typeof value === 'function', 'must be a function').optional(),
  }),
);

/** Options of the gradient accumulation. */
export interface GradientAccumulationOptions {
  /** Micro-batches per update. */
  readonly steps: number;
  /**
   * How their gradients are put together, so that an update equals that of one batch of all samples: `mean` for losses that
   * are means over the batch, where each batch counts by its size, and `sum` for losses that are sums.
   * @default 'mean'
   */
  readonly reduction?: 'mean' | 'sum';
  /**
   * What a batch on the device counts by, where the loss is a mean over something else than samples, such as the tokens
   * that a mask lets through: a number above 0, or a scalar tensor. Called inside the step, so it reads no values.
   * @default the leading dimension of the model's inputs, or else of all tensors in the batch
   */
  readonly batchSize?: BatchSizeFunction;
}
