import { documentedOptions } from '@hookline/core';
import type { tf } from '@hookline/tfjs';
import { z } from 'zod';

/**
 * Returns the size of a batch on the device: a number on the host, or a scalar on the device. The type accepts any tensor, because
 * TypeScript before 6.0 does not infer that `mask.sum()` is a scalar; other tensors raise `HKL_ACCUMULATION_BATCH_SIZE`.
 */
export type BatchSizeFunction = (batch: never) => number | tf.Tensor;

export const gradientAccumulationSchema = documentedOptions<GradientAccumulationOptions>()(
  z.strictObject({
    steps: z.int().min(1),
    reduction: z.enum(['mean', 'sum']).default('mean'),
    batchSize: z.custom<BatchSizeFunction>((value) => typeof value === 'function', 'must be a function').optional(),
  }),
);

/** Options of `gradientAccumulation`. */
export interface GradientAccumulationOptions {
  /** Number of micro-batches per update. */
  readonly steps: number;
  /**
   * How the gradients of the micro-batches are combined, so that an update equals that of one batch of all samples: `mean` for losses that
   * are means over the batch, with each batch weighted by its size, and `sum` for losses that are sums.
   * @default 'mean'
   */
  readonly reduction?: 'mean' | 'sum';
  /**
   * Returns the weight of a batch on the device, for a loss that is not a mean over samples but, for example, over the tokens of a mask: a
   * number above 0, or a scalar tensor. It is called inside the step, so it must not read values.
   * @default the leading dimension of the model's inputs, or else of all tensors in the batch
   */
  readonly batchSize?: BatchSizeFunction;
}
