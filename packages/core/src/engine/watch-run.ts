import { handleShutdown, type WatchedRun } from './shutdown.ts';
import type { TrainerOptions } from './trainer-options.ts';
import { watchWaits } from './watch-waits.ts';

/**
 * Watches a run from outside of the loop: what would end the process makes the run end with a save, and warnings name
 * what takes long.
 *
 * @returns the function that ends the watch
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
