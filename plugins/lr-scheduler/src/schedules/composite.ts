import { z } from 'zod';
import { reached } from './milestones.ts';
import { type Factor, shareOf } from './position.ts';

/** Several schedules in sequence. `S` is the type of each. */
export interface CompositeSchedule<S> {
  readonly type: 'composite';
  readonly schedules: readonly S[];
  /** Share of the run for each schedule; the sum must be 1 within 0.001. */
  readonly lengths: readonly number[];
  /**
   * One value for each schedule. `rescaled`: the whole schedule is compressed into its share, including
   * milestones and warm-ups. `fixed`: the schedule is evaluated as if it had the whole run. @default all rescaled
   */
  readonly scaling?: readonly ('rescaled' | 'fixed')[] | undefined;
}

/** The schema, over the schema of all schedules. */
export const compositeSchema = <S extends z.ZodType>(schedule: S) =>
  z
    .strictObject({
      type: z.literal('composite'),
      schedules: z.array(schedule).min(1),
      lengths: z.array(z.number().min(0).max(1)),
      scaling: z.array(z.enum(['rescaled', 'fixed'])).optional(),
    })
    .superRefine(({ schedules, lengths, scaling }, issues) => {
      const refuse = (path: string, message: string): void =>
        issues.addIssue({ code: 'custom', path: [path], message });
      const count = schedules.length;
      if (lengths.length !== count)
        refuse('lengths', `${count} schedules need ${count} lengths, not ${lengths.length}`);
      const sum = lengths.reduce((total, length) => total + length, 0);
      if (Math.abs(sum - 1) > 1e-3) refuse('lengths', `must sum to 1, not ${Number(sum.toPrecision(6))}`);
      if (scaling !== undefined && scaling.length !== count) {
        refuse('scaling', `${count} schedules need ${count} entries, not ${scaling.length}`);
      }
    });

/** Runs several schedules in sequence. */
export const composite = <S>(options: Omit<CompositeSchedule<S>, 'type'>): CompositeSchedule<S> => ({
  type: 'composite',
  ...options,
});

/** Evaluates the first schedule whose share is not over, at (w − start) / length if it is rescaled. */
export function compositeFactor<S>(
  { schedules, lengths, scaling }: CompositeSchedule<S>,
  compile: (schedule: S) => Factor,
): Factor {
  const factors = schedules.map(compile);
  return (position) => {
    const { iteration, total, maxIterations } = position;
    let share = 0;
    const ends = lengths.slice(0, -1).map((length) => shareOf(total, (share += length)));
    const index = reached(ends, iteration);
    const factor = factors[index] as Factor;
    if (scaling?.[index] === 'fixed') return factor(position);
    // The last schedule takes what rounding of the lengths leaves over.
    const [begin, end] = [0, ...ends, total].slice(index, index + 2) as [number, number];
    return factor({ iteration: iteration - begin, total: end - begin, maxIterations });
  };
}
