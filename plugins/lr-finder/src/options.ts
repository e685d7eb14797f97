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

/** How a range test is made. */
export interface RangeTestOptions {
  /**
   * The rate of the first step.
   * @default 1e-7
   */
  minRate?: number;
  /**
   * The rate of the last step.
   * @default 10
   */
  maxRate?: number;
  /**
   * Steps from the one rate to the other, each with a batch of its own; at least 10.
   * @default 100
   */
  steps?: number;
  /**
   * What the moving average of the losses keeps of itself, from 0 (no smoothing) to below 1.
   * @default 0.98
   */
  smoothing?: number;
  /**
   * The test ends when the smoothed loss is this many times the smallest one so far.
   * @default 4
   */
  divergence?: number;
}

/** Options of {@link lrFinder}. */
export type LrFinderOptions = RangeTestOptions;
