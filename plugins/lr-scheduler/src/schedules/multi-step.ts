import { z } from 'zod';
import { milestonesSchema, reached } from './milestones.ts';
import type { InIterations } from '../in-iterations.ts';
import { type Factor, unitsDone } from './position.ts';

export const multiStepSchema = z
  .strictObject({
    type: z.literal('multi-step'),
    /** Starts of the second and later values: iterations, or epochs as `{ epochs: 8 }`. @default equal steps, one for each value */
    milestones: milestonesSchema.optional(),
    /** The values, one more than there are milestones. @default powers of gamma */
    values: z.array(z.number().nonnegative()).min(1).optional(),
    /** Ratio of each value to the previous one, if `values` is not given. @default 0.1 */
    gamma: z.number().nonnegative().optional(),
    /** Length of the run in the unit of the milestones, if that is not iterations. @default maxIterations */
    updates: z.int().positive().optional(),
  })
  .superRefine(({ milestones, values, gamma, updates }, issues) => {
    const refuse = (path: string, message: string): void => issues.addIssue({ code: 'custom', path: [path], message });
    if (milestones === undefined && values === undefined) refuse('milestones', 'give milestones, values or both');
    if (updates !== undefined && milestones?.some((each) => typeof each !== 'number') === true)
      refuse('updates', 'milestones in epochs need no updates');
    if (values !== undefined && gamma !== undefined) refuse('gamma', 'give either values or gamma');
    if (milestones !== undefined && values !== undefined && values.length !== milestones.length + 1) {
      refuse('values', `${milestones.length} milestones need ${milestones.length + 1} values, not ${values.length}`);
    }
  });

export type MultiStepSchedule = z.input<typeof multiStepSchema>;

/** A constant value between each pair of milestones. */
export const multiStep = (options: Omit<MultiStepSchedule, 'type'>): MultiStepSchedule => ({
  type: 'multi-step',
  ...options,
});

/** values[bisect_right(milestones, w·U)]; without milestones, steps of ceil(U / len) */
export function multiStepFactor(schedule: InIterations<z.output<typeof multiStepSchema>>): Factor {
  const { milestones, gamma = 0.1 } = schedule;
  const values = schedule.values ?? Array.from({ length: (milestones?.length ?? 0) + 1 }, (_, k) => gamma ** k);
  return (position) => {
    const updates = schedule.updates ?? position.maxIterations;
    const done = unitsDone(position, updates);
    const step =
      milestones === undefined ? Math.floor(done / Math.ceil(updates / values.length)) : reached(milestones, done);
    return values[Math.min(step, values.length - 1)] as number;
  };
}
