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
  /** Name of the scalar to watch, such as `accuracy` or `val/loss`. */
  readonly metric: string;
  /** Whether higher or lower is better; torch's default is `min`. @default 'max' */
  readonly mode?: 'max' | 'min';
  /** Factor of each reduction, above 0 and below 1. @default 0.1 */
  readonly factor?: number;
  /**
   * Number of values in a row without improvement that are tolerated; the next one reduces the rate. 0 reduces it at the first value
   * without improvement.
   * @default 10
   */
  readonly patience?: number;
  /** Smallest improvement over the best value that counts. @default 1e-4 */
  readonly threshold?: number;
  /** Unit of the threshold: `rel` is relative to the best value, `abs` is in the metric's own unit. @default 'rel' */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Number of values after a reduction that do not count as bad. @default 0 */
  readonly cooldown?: number;
  /** The optimizer's own rate, which a schedule multiplies, is not reduced below this one. @default 0 */
  readonly minLr?: number;
  /** A reduction of that rate by no more than this is not made. @default 1e-8 */
  readonly epsilon?: number;
}
