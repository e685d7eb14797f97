import { z } from 'zod';

export const gradientAccumulationSchema = z.strictObject({
  steps: z.int().min(1),
  reduction: z.enum(['mean', 'sum']).default('mean'),
});

/** Options of the gradient accumulation. */
export interface GradientAccumulationOptions {
  /** Micro-batches per update. */
  readonly steps: number;
  /**
   * How their gradients are put together. `mean` equals one step of a batch that is `steps` times as large, for losses
   * that are means over the batch; `sum` does for losses that are sums.
   * @default 'mean'
   */
  readonly reduction?: 'mean' | 'sum';
}
