import { documentedOptions } from '@hookline/core';
import { z } from 'zod';

const amount = z.number().nonnegative().default(0);

export const timeLimitOptions = documentedOptions<TimeLimitOptions>()(
  z
    .strictObject({
      hours: amount,
      minutes: amount,
      seconds: amount,
      wholeRun: z.boolean().default(false),
    })
    .refine(({ hours, minutes, seconds }) => hours + minutes + seconds > 0, {
      path: ['hours'],
      message: 'give a time above 0, in hours, minutes or seconds',
    }),
);

/** Options of `timeLimit`. */
export interface TimeLimitOptions {
  /** Added to `minutes` and `seconds`. @default 0 */
  readonly hours?: number;
  /** Added to `hours` and `seconds`. @default 0 */
  readonly minutes?: number;
  /** Added to `hours` and `minutes`. @default 0 */
  readonly seconds?: number;
  /**
   * Whether the time counts that the run took before it was resumed, as for a budget. Without it each call of `train()` has
   * the whole time, as for a job of a cluster.
   * @default false
   */
  readonly wholeRun?: boolean;
}
