import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

/** The smallest and the largest scale: beyond them, the scale or its inverse is not a normal float32 number. */
export const [SMALLEST_SCALE, LARGEST_SCALE] = [2 ** -126, 2 ** 126];

export const lossScalingSchema = documentedOptions<LossScalingOptions>()(
  z.strictObject({
    initScale: z.number().min(SMALLEST_SCALE).max(LARGEST_SCALE).default(65_536),
    growthFactor: z.number().gt(1).default(2),
    backoffFactor: z.number().gt(0).lt(1).default(0.5),
    growthInterval: z.int().min(1).default(2000),
  }),
);

/** Options of `lossScaling`, with the names of torch's GradScaler. */
export interface LossScalingOptions {
  /** The first scale. A scale that is a power of two, as it remains with the default factors, causes no rounding. @default 65536 */
  readonly initScale?: number;
  /** Factor of the scale after `growthInterval` successive finite updates; above 1. @default 2 */
  readonly growthFactor?: number;
  /** Factor of the scale after a skipped update; between 0 and 1. @default 0.5 */
  readonly backoffFactor?: number;
  /** Number of successive finite updates after which the scale grows. @default 2000 */
  readonly growthInterval?: number;
}
