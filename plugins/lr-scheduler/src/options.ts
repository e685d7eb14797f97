import { documentedOptions } from '@hookline/core';
import { z } from 'zod';
import { type Schedule, scheduleSchema } from './schedule.ts';

export const lrSchedulerOptions = documentedOptions<LrSchedulerOptions>()(
  z.strictObject({
    schedule: scheduleSchema.optional(),
  }),
);

/** Options of `lrScheduler`. */
export interface LrSchedulerOptions {
  /** Factor of the optimizer's learning rate, by iteration. Default: the service `lrSchedule`. */
  readonly schedule?: Schedule | undefined;
}
