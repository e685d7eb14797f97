import { HooklineError } from '@hookline/core';
import { compileSchedule } from './compile-schedule.ts';
import { inIterations } from './in-iterations.ts';
import { checkSchedule, type Schedule } from './schedule.ts';

/**
 * Computes a schedule's factor of the base learning rate outside of a training, for plots and tests.
 *
 * @example const factor = scheduleFactor(cosine(), 90_000); factor(45_000) // 0.5
 *
 * @param maxIterations length of the run
 * @param epochLength number of steps per epoch, for a schedule that counts in epochs
 * @returns a function from iteration, 0 to maxIterations, to factor
 * @throws HooklineError `HKL_SCHEDULE_INVALID`
 */
export function scheduleFactor(
  schedule: Schedule,
  maxIterations: number,
  epochLength?: number,
): (iteration: number) => number {
  const factor = compileSchedule(
    inIterations(checkSchedule(schedule), (moment) => {
      if (typeof moment === 'number') return moment;
      if (epochLength !== undefined) return Math.ceil(moment.epochs * epochLength);
      throw new HooklineError('HKL_EPOCH_UNKNOWN', 'the schedule counts in epochs', {
        who: 'scheduleFactor',
        fix: 'Give the number of steps per epoch as the third argument',
      });
    }),
  );
  return (iteration) => factor({ iteration, total: maxIterations, maxIterations });
}
