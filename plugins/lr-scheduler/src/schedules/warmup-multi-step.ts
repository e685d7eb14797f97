import { z } from 'zod';
import type { InIterations } from '../in-iterations.ts';
import { legacyWarmup, legacyWarmupShape } from './legacy-warmup.ts';
import { milestonesSchema, reached } from './milestones.ts';
import { type Factor, unitsDone } from './position.ts';

export const warmupMultiStepSchema = z.strictObject({
  type: z.literal('warmup-multi-step'),
  /** Iterations at which the rate decays, or epochs as `{ epochs: 8 }`. */
  milestones: milestonesSchema,
  /** Ratio of each value to the previous one. @default 0.1 */
  gamma: z.number().nonnegative().default(0.1),
  ...legacyWarmupShape,
});

export type WarmupMultiStepSchedule = z.input<typeof warmupMultiStepSchema>;

/** detectron2's WarmupMultiStepLR. Unlike in `warmup(multiStep(...))`, the warm-up multiplies the schedule. */
export const warmupMultiStep = (options: Omit<WarmupMultiStepSchedule, 'type'>): WarmupMultiStepSchedule => ({
  type: 'warmup-multi-step',
  ...options,
});

/** a(i)·γ^bisect_right(milestones, i) */
export const warmupMultiStepFactor =
  (schedule: InIterations<z.output<typeof warmupMultiStepSchema>>): Factor =>
  (position) =>
    legacyWarmup(schedule, position) *
    schedule.gamma ** reached(schedule.milestones, unitsDone(position, position.maxIterations));
