import type { HistoryBuffer } from '@hookline/core';

/**
 * The number of newest values of a history that belong to the run that started or was resumed at `startIteration`. A resumed
 * storage also holds the step times from before the resume, perhaps from another machine.
 */
export function countSince(history: HistoryBuffer, startIteration: number): number {
  return history.countSamples(history.latestSample().iteration - startIteration + 1);
}
