import { z } from 'zod';

const amount = z.number().nonnegative().default(0);

export const timeLimitOptions = z
  .strictObject({
    /** Added to `minutes` and `seconds`. @default 0 */
    hours: amount,
    /** Added to `hours` and `seconds`. @default 0 */
    minutes: amount,
    /** Added to `hours` and `minutes`. @default 0 */
    seconds: amount,
    /**
     * Whether the time counts that the run took before it was resumed, as for a budget. Without it each call of `train()` has
     * the whole time, as for a job of a cluster.
     * @default false
     */
    wholeRun: z.boolean().default(false),
  })
  .refine(({ hours, minutes, seconds }) => hours + minutes + seconds > 0, {
    path: ['hours'],
    message: 'give a time above 0, in hours, minutes or seconds',
  });

export type TimeLimitOptions = z.input<typeof timeLimitOptions>;
