import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const dataParallelSchema = documentedOptions<DataParallelOptions>()(
  z.strictObject({
    bucketBytes: z.int().min(1).default(25_000_000),
    syncBatchNorm: z.boolean().default(false),
  }),
);

/** Options of the training on several processes. */
export interface DataParallelOptions {
  /**
   * Bytes of gradients that are reduced at a time, those of the last layers first. On native TensorFlow with several threads for ops
   * (`TF_NUM_INTEROP_THREADS`) one bucket travels while the gradients of the next are computed.
   * @default 25000000
   */
  readonly bucketBytes?: number;
  /**
   * Whether batch norms use the mean and variance of the batches of all ranks together (PyTorch's SyncBatchNorm). It takes two reductions for
   * each layer and one for its gradient, and is worth them where a rank has few samples. @default false
   */
  readonly syncBatchNorm?: boolean;
}
