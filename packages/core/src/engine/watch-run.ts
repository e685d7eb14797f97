import { handleShutdown, type WatchedRun } from './shutdown.ts';
import type { TrainerOptions } from './trainer-options.ts';
import { watchWaits } from './watch-waits.ts';

/**
 * Looks after a run from outside of the loop: what would end the process makes it end with a save, and what is waited
 * for long is named.
 *
 * @returns the function that ends that
 */
export function watchRun(
  run: WatchedRun,
  { handleSignals = true, waitWarning = 60 }: Partial<TrainerOptions>,
): () => void {
  const stopWatch = watchWaits(run, waitWarning);
  const release = handleSignals ? handleShutdown(run) : undefined;
  return () => {
    stopWatch();
    release?.();
  };
}
