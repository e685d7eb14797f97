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
   * Number of the first measured step, counted from 1 in each call of `train()`; earlier steps are warm-up.
   * @default 3
   */
  readonly warmupIterations?: number;
  /**
   * Samples per step. If given, each measured step stores `samples_per_second`, and a line at the end reports the throughput and the share of the
   * steps' time that was spent waiting for data.
   * @default neither is stored nor reported
   */
  readonly batchSize?: number;
  /**
   * Whether to store, once a second, `cpu_percent`, the share of the processor's cores that this process uses, and, if `nvidia-smi` reports it,
   * `gpu_percent`, how busy the GPUs are. A line at the end reports the mean of each. `CUDA_VISIBLE_DEVICES` selects the GPUs.
   * @default false
   */
  readonly deviceUse?: boolean;
}
