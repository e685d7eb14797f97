import { compileSchedule } from './compile-schedule.ts';
import { checkSchedule, type Schedule } from './schedule.ts';

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
  const factor = compileSchedule(checkSchedule(schedule));
  return (iteration) => factor({ iteration, total: maxIterations, maxIterations });
}
