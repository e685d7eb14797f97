import { isPeriod, type Period, PERIOD_RULE } from '@hookline/core';
import { z } from 'zod';

const numberOf = (moment: Period): number => (typeof moment === 'number' ? moment : moment.epochs);

/** Increasing points in time, all in iterations or all in epochs. */
export const milestonesSchema = z
  .array(z.custom<Period>(isPeriod, PERIOD_RULE))
  .refine(
    (milestones) => new Set(milestones.map((each) => typeof each)).size < 2,
    'give all milestones in iterations or all in epochs',
  )
  .refine(
    (milestones) => milestones.every((each, i) => i === 0 || numberOf(each) > numberOf(milestones[i - 1] ?? 0)),
    'must rise',
  );

/** The number of reached milestones (bisect_right). */
export function reached(milestones: readonly number[], at: number): number {
  let count = 0;
  while (count < milestones.length && (milestones[count] ?? Infinity) <= at) count++;
  return count;
}
