import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const reduceOnPlateauOptions = documentedOptions<ReduceOnPlateauOptions>()(
  z.strictObject({
    metric: z.string().min(1),
    mode: z.enum(['max', 'min']).default('max'),
    factor: z.number().gt(0).lt(1).default(0.1),
    patience: z.int().nonnegative().default(10),
    threshold: z.number().nonnegative().default(1e-4),
    thresholdMode: z.enum(['rel', 'abs']).default('rel'),
    cooldown: z.int().nonnegative().default(0),
    minLr: z.number().nonnegative().default(0),
    epsilon: z.number().nonnegative().default(1e-8),
  }),
);

/** Options of `reduceOnPlateau`. */
export interface ReduceOnPlateauOptions {
  /** Name of the scalar to go by, such as `accuracy` or `val/loss`. */
  readonly metric: string;
  /** Whether higher or lower is better; torch's default is `min`. @default 'max' */
  readonly mode?: 'max' | 'min';
  /** What each reduction multiplies the learning rate with, from above 0 to below 1. @default 0.1 */
  readonly factor?: number;
  /**
   * So many values in a row may be no better than the best; the next one reduces the rate. 0 reduces it at the first value
   * that is no better.
   * @default 10
   */
  readonly patience?: number;
  /** How much better than the best a value must be to count. @default 1e-4 */
  readonly threshold?: number;
  /** What the threshold is measured in: `rel` as a share of the best value, `abs` in the metric's own unit. @default 'rel' */
  readonly thresholdMode?: 'rel' | 'abs';
  /** So many values after a reduction do not count as bad. @default 0 */
  readonly cooldown?: number;
  /** The optimizer's own rate, which a schedule multiplies, is not reduced below this one. @default 0 */
  readonly minLr?: number;
  /** Reductions of that rate by no more than this are left out. @default 1e-8 */
  readonly epsilon?: number;
}
