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
  /** Hours of the limit, added to `minutes` and `seconds`. @default 0 */
  readonly hours?: number;
  /** Minutes of the limit, added to `hours` and `seconds`. @default 0 */
  readonly minutes?: number;
  /** Seconds of the limit, added to `hours` and `minutes`. @default 0 */
  readonly seconds?: number;
  /**
   * Whether time before a resume counts, as for a budget. Otherwise each call of `train()` has
   * the full time, as for a cluster job.
   * @default false
   */
  readonly wholeRun?: boolean;
}
