import type { HistoryBuffer } from '@hookline/core';

/**
 * How many of the newest values of a history belong to the run that began or was resumed at `startIteration`. A resumed
 * storage holds the step times of the run before as well, perhaps those of another machine.
 */
export function countSince(history: HistoryBuffer, startIteration: number): number {
  return history.countSamples(history.latestSample().iteration - startIteration + 1);
}
