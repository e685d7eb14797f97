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
  /** Name of the scalar to watch, such as `accuracy` or `val/loss`. */
  readonly metric: string;
  /** Whether higher or lower is better. @default 'max' */
  readonly mode?: 'max' | 'min';
  /** Number of values in a row without improvement after which the training ends. @default 5 */
  readonly patience?: number;
  /** Smallest improvement over the best value that counts. @default 0 */
  readonly minDelta?: number;
  /** Values of earlier iterations are ignored. @default 0 */
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
   * Whether to restore the weights with the best value, at the end of the training and when this plugin stops
   * it. This keeps a copy of the weights on the device and in checkpoints.
   * @default false
   */
  readonly restoreBest?: boolean;
}
