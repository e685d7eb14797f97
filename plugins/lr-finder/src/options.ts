import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

export const optionsSchema = documentedOptions<RangeTestOptions>()(
  z
    .strictObject({
      minRate: z.number().positive().default(1e-7),
      maxRate: z.number().positive().default(10),
      steps: z.int().min(10).default(100),
      smoothing: z.number().min(0).lt(1).default(0.98),
      divergence: z.number().gt(1).default(4),
    })
    .refine(({ minRate, maxRate }) => minRate < maxRate, {
      path: ['maxRate'],
      message: 'must be above minRate',
    }),
);

/** Options of a range test. */
export interface RangeTestOptions {
  /**
   * Learning rate of the first step.
   * @default 1e-7
   */
  minRate?: number;
  /**
   * Learning rate of the last step.
   * @default 10
   */
  maxRate?: number;
  /**
   * Number of steps, each with its own batch; at least 10.
   * @default 100
   */
  steps?: number;
  /**
   * Decay of the moving average of the losses, from 0 (no smoothing) to below 1.
   * @default 0.98
   */
  smoothing?: number;
  /**
   * The test ends when the smoothed loss exceeds this multiple of its minimum so far.
   * @default 4
   */
  divergence?: number;
}

/** Options of {@link lrFinder}. */
export type LrFinderOptions = RangeTestOptions;
