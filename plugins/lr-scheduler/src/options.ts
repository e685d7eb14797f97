import { z } from 'zod';
import { scheduleSchema } from './schedule.ts';

export const lrSchedulerOptions = z.strictObject({
  /** What the optimizer's learning rate is multiplied with, by iteration. Default: the service `lrSchedule`. */
  schedule: scheduleSchema.optional(),
});

export type LrSchedulerOptions = z.input<typeof lrSchedulerOptions>;
