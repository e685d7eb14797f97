import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const dataParallelSchema = documentedOptions<DataParallelOptions>()(
  z.strictObject({
    bucketBytes: z.int().min(1).default(25_000_000),
    syncBatchNorm: z.boolean().default(false),
  }),
);

/** Options of `dataParallel`. */
export interface DataParallelOptions {
  /**
   * Size in bytes of the buckets in which gradients are reduced, those of the last layers first. On native TensorFlow with several threads
   * for ops (`TF_NUM_INTEROP_THREADS`), one bucket is reduced while the gradients of the next one are computed.
   * @default 25000000
   */
  readonly bucketBytes?: number;
  /**
   * Whether batch norms use the mean and variance of the batches of all ranks together (PyTorch's SyncBatchNorm). Each layer then needs
   * two reductions and another one for its gradient, which is worthwhile if a rank has few samples. @default false
   */
  readonly syncBatchNorm?: boolean;
}
