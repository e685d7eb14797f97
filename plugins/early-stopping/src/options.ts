import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const earlyStoppingOptions = documentedOptions<EarlyStoppingOptions>()(
  z.strictObject({
    metric: z.string().min(1),
    mode: z.enum(['max', 'min']).default('max'),
    patience: z.int().positive().default(5),
    minDelta: z.number().nonnegative().default(0),
    startIteration: z.int().nonnegative().default(0),
    baseline: z.number().optional(),
    stoppingThreshold: z.number().optional(),
    divergenceThreshold: z.number().optional(),
    restoreBest: z.boolean().default(false),
  }),
);

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions {
  /** Name of the scalar to go by, such as `accuracy` or `val/loss`. */
  readonly metric: string;
  /** Whether higher or lower is better. @default 'max' */
  readonly mode?: 'max' | 'min';
  /** The training ends when so many values in a row were no better than the best. @default 5 */
  readonly patience?: number;
  /** How much better than the best a value must be to count. @default 0 */
  readonly minDelta?: number;
  /** Values of earlier iterations are not looked at. @default 0 */
  readonly startIteration?: number;
  /**
   * A value that the metric must beat by more than `minDelta`: until it has, new best values do not start the patience anew (Keras's
   * `baseline`).
   * @default none
   */
  readonly baseline?: number;
  /**
   * The training ends at the first value that is better than this one (Lightning's `stopping_threshold`).
   * @default none
   */
  readonly stoppingThreshold?: number;
  /**
   * The training ends at the first value that is worse than this one (Lightning's `divergence_threshold`).
   * @default none
   */
  readonly divergenceThreshold?: number;
  /**
   * Whether the model gets the weights back that had the best value, at the end of the training and when this plugin stops
   * it. A copy of the weights is kept for it on the device and in checkpoints.
   * @default false
   */
  readonly restoreBest?: boolean;
}
