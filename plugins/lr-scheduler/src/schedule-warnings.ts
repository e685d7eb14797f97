import type { ScheduleInIterations } from './schedule.ts';
import { WARMUP_ITERATIONS } from './schedules/warmup.ts';

/** Warnings about the parts of a schedule that a run of this length will never reach. */
export function scheduleWarnings(schedule: ScheduleInIterations, maxIterations: number): readonly string[] {
  switch (schedule.type) {
    case 'composite':
      return schedule.schedules.flatMap((part) => scheduleWarnings(part, maxIterations));
    case 'warmup':
      return [
        ...(schedule.fraction === undefined
          ? longWarmup(schedule.iterations ?? WARMUP_ITERATIONS, maxIterations, 'shortened')
          : []),
        ...scheduleWarnings(schedule.schedule, maxIterations),
      ];
    case 'multi-step':
      return missed(schedule.milestones ?? [], schedule.updates ?? maxIterations);
    case 'warmup-multi-step':
      return [
        ...longWarmup(schedule.warmupIterations, maxIterations, 'cut'),
        ...missed(schedule.milestones, maxIterations),
      ];
    case 'warmup-cosine':
    case 'warmup-poly':
      return longWarmup(schedule.warmupIterations, maxIterations, 'cut');
    default:
      return [];
  }
}

/**
 * @param end effect on a warm-up that is longer than the run: it is `shortened` to the run, or `cut` off at its end
 */
function longWarmup(iterations: number, maxIterations: number, end: 'shortened' | 'cut'): readonly string[] {
  if (iterations < maxIterations) return [];
  const what =
    end === 'shortened' && iterations > maxIterations
      ? `is longer than the run of ${maxIterations}: it is shortened to the run, and`
      : `takes the whole run of ${maxIterations}:`;
  return [
    `the warm-up of ${iterations} iterations ${what} the learning rate never reaches its base. Set the iterations of the warm-up (solver.warmupIterations in a config) to a small part of the run, or 0`,
  ];
}

function missed(milestones: readonly number[], end: number): readonly string[] {
  const late = milestones.filter((milestone) => milestone >= end);
  return late.length === 0 ? [] : [`the run ends at ${end} and never reaches the milestones ${late.join(', ')}`];
}
