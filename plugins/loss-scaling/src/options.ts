import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

/** The smallest and the largest scale: beyond them it or its inverse is no float32 with all its bits. */
export const [SMALLEST_SCALE, LARGEST_SCALE] = [2 ** -126, 2 ** 126];

export const lossScalingSchema = documentedOptions<LossScalingOptions>()(
  z.strictObject({
    initScale: z.number().min(SMALLEST_SCALE).max(LARGEST_SCALE).default(65_536),
    growthFactor: z.number().gt(1).default(2),
    backoffFactor: z.number().gt(0).lt(1).default(0.5),
    growthInterval: z.int().min(1).default(2000),
  }),
);

/** Options of the loss scaling, by the names of torch's GradScaler. */
export interface LossScalingOptions {
  /** The scale to begin with. A power of two, as it stays with the default factors, rounds nothing. @default 65536 */
  readonly initScale?: number;
  /** What the scale is multiplied by after `growthInterval` good updates in a row; above 1. @default 2 */
  readonly growthFactor?: number;
  /** What the scale is multiplied by after an update that was skipped; between 0 and 1. @default 0.5 */
  readonly backoffFactor?: number;
  /** How many good updates in a row make the scale grow. @default 2000 */
  readonly growthInterval?: number;
}
