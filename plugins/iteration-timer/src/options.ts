import { z } from 'zod';

export const iterationTimerOptions = z.strictObject({
  /**
   * The step of this number, counted from 1, is the first one measured; what came before is warm-up.
   * @default 3
   */
  warmupIterations: z.int().min(0).default(3),
  /**
   * Samples of a step. With it each measured step stores `samples_per_second`, and the end tells the throughput and which share of the
   * steps' time was waiting for data.
   * @default none of that
   */
  batchSize: z.int().positive().optional(),
});

export type IterationTimerOptions = z.input<typeof iterationTimerOptions>;
