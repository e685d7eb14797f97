import { z } from 'zod';

export const iterationTimerOptions = z.strictObject({
  /**
   * The step of this number, counted from 1, is the first one measured; what came before is warm-up.
   * @default 3
   */
  warmupIterations: z.int().min(0).default(3),
});

export type IterationTimerOptions = z.input<typeof iterationTimerOptions>;
