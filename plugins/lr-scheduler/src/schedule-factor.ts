import { HooklineError } from '@hookline/core';
import { compileSchedule } from './compile-schedule.ts';
import { inIterations } from './in-iterations.ts';
import { checkSchedule, type Schedule } from './schedule.ts';

/**
 * What a schedule multiplies the base learning rate with, outside of a training: for plots and tests.
 *
 * @example const factor = scheduleFactor(cosine(), 90_000); factor(45_000) // 0.5
 *
 * @param maxIterations length of the run
 * @param epochLength steps of an epoch, for a schedule that counts in epochs
 * @returns the factor by iteration, from 0 to maxIterations
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
        fix: 'Give the steps of an epoch as the third argument',
      });
    }),
  );
  return (iteration) => factor({ iteration, total: maxIterations, maxIterations });
}
