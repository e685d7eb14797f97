import { HooklineError } from '@hookline/core';
import { compileSchedule } from './compile-schedule.ts';
import { type Schedule, scheduleSchema } from './schedule.ts';

/**
 * What a schedule multiplies the base learning rate with, outside of a training: for plots and tests.
 *
 * @example const factor = scheduleFactor(cosine(), 90_000); factor(45_000) // 0.5
 *
 * @param maxIterations length of the run
 * @returns the factor by iteration, from 0 to maxIterations
 * @throws HooklineError `HKL_SCHEDULE_INVALID`
 */
export function scheduleFactor(schedule: Schedule, maxIterations: number): (iteration: number) => number {
  const checked = scheduleSchema.safeParse(schedule);
  if (!checked.success) {
    const issues = checked.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`,
    );
    throw new HooklineError('HKL_SCHEDULE_INVALID', issues.join('; '), { who: 'schedule', cause: checked.error });
  }
  const factor = compileSchedule(checked.data);
  return (iteration) => factor({ iteration, total: maxIterations, maxIterations });
}
