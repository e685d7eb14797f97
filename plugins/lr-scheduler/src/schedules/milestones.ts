import { z } from 'zod';

/** Whole numbers that rise. */
export const milestonesSchema = z
  .array(z.int().nonnegative())
  .refine((milestones) => milestones.every((each, i) => i === 0 || each > (milestones[i - 1] ?? 0)), 'must rise');

/** How many milestones are reached (bisect_right). */
export function reached(milestones: readonly number[], at: number): number {
  let count = 0;
  while (count < milestones.length && (milestones[count] ?? Infinity) <= at) count++;
  return count;
}
