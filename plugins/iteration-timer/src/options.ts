import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const iterationTimerOptions = documentedOptions<IterationTimerOptions>()(
  z.strictObject({
    warmupIterations: z.int().min(0).default(3),
    batchSize: z.int().positive().optional(),
    deviceUse: z.boolean().default(false),
  }),
);

/** Options of `iterationTimer`. */
export interface IterationTimerOptions {
  /**
   * The step of this number, counted from 1, is the first one measured; what came before is warm-up.
   * @default 3
   */
  readonly warmupIterations?: number;
  /**
   * Samples of a step. With it each measured step stores `samples_per_second`, and the end tells the throughput and which share of the
   * steps' time was waiting for data.
   * @default none of that
   */
  readonly batchSize?: number;
  /**
   * Whether to store, once a second, `cpu_percent`, the share of the processor's cores that this process uses, and where `nvidia-smi` tells it
   * `gpu_percent`, how busy the GPUs are; the end tells the mean of each. Use `CUDA_VISIBLE_DEVICES` to say which GPUs are meant.
   * @default false
   */
  readonly deviceUse?: boolean;
}
