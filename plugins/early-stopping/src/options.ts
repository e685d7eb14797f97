import { z } from 'zod';

export const earlyStoppingOptions = z.strictObject({
  /** Name of the scalar to go by, such as `accuracy` or `val/loss`. */
  metric: z.string().min(1),
  /** Whether higher or lower is better. @default 'max' */
  mode: z.enum(['max', 'min']).default('max'),
  /** The training ends when so many values in a row were no better than the best. @default 5 */
  patience: z.int().positive().default(5),
  /** How much better than the best a value must be to count. @default 0 */
  minDelta: z.number().nonnegative().default(0),
  /** Values of earlier iterations are not looked at. @default 0 */
  startIteration: z.int().nonnegative().default(0),
  /**
   * Whether the model gets the weights back that had the best value, at the end of the training and when this plugin stops
   * it. A copy of the weights is kept for it on the device and in checkpoints.
   * @default false
   */
  restoreBest: z.boolean().default(false),
});

export type EarlyStoppingOptions = z.input<typeof earlyStoppingOptions>;
