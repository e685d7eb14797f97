import { guardEnds, type GuardedRun } from './ends.ts';
import type { TrainerOptions } from './trainer-options.ts';
import { watchWaits } from './watch-waits.ts';

/**
 * Looks after a run from outside of the loop: what would end the process makes it end with a save, and what is waited
 * for long is named.
 *
 * @returns the function that ends that
 */
export function guardRun(
  run: GuardedRun,
  { handleSignals = true, waitWarning = 60 }: Partial<TrainerOptions>,
): () => void {
  const stopWatch = watchWaits(run, waitWarning);
  const release = handleSignals ? guardEnds(run) : undefined;
  return () => {
    stopWatch();
    release?.();
  };
}
