import type { CheckedSchedule } from './schedule.ts';
import { warmupLength } from './schedules/warmup.ts';

/** What a run of this length will never reach, in sentences. */
export function scheduleWarnings(schedule: CheckedSchedule, maxIterations: number): readonly string[] {
  switch (schedule.type) {
    case 'composite':
      return schedule.schedules.flatMap((part) => scheduleWarnings(part, maxIterations));
    case 'warmup':
      return [
        ...longWarmup(warmupLength(schedule, Infinity), maxIterations, schedule.fraction),
        ...scheduleWarnings(schedule.schedule, maxIterations),
      ];
    case 'multi-step':
      return missed(schedule.milestones ?? [], schedule.updates ?? maxIterations);
    case 'warmup-multi-step':
      return [...longWarmup(schedule.warmupIterations, maxIterations), ...missed(schedule.milestones, maxIterations)];
    case 'warmup-cosine':
    case 'warmup-poly':
      return longWarmup(schedule.warmupIterations, maxIterations);
    default:
      return [];
  }
}

function longWarmup(iterations: number, maxIterations: number, fraction?: number): readonly string[] {
  if (fraction !== undefined || iterations < maxIterations) return [];
  return [
    `the warm-up of ${iterations} iterations takes the whole run of ${maxIterations}; ` +
      'the learning rate never reaches its base',
  ];
}

function missed(milestones: readonly number[], end: number): readonly string[] {
  const late = milestones.filter((milestone) => milestone >= end);
  return late.length === 0 ? [] : [`the run ends at ${end} and never reaches the milestones ${late.join(', ')}`];
}
