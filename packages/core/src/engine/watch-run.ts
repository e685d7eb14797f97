import { nameOf, type Wait } from '../hooks/waits.ts';
import { handleShutdown, type WatchedRun } from './shutdown.ts';
import type { TrainerOptions } from './trainer-options.ts';

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

/**
 * Warns when the training has been waiting for something for longer than `seconds`, and again each time that the wait
 * has doubled. The timer keeps no process alive.
 *
 * @param seconds 0 for never
 * @returns the function that ends the watch
 */
function watchWaits({ waits, logger, run }: WatchedRun, seconds: number): () => void {
  if (seconds === 0) return () => undefined;
  const due = new WeakMap<Wait, number>();
  const timer = setInterval(
    () => {
      const wait = waits.innermost;
      if (wait === undefined) return;
      const waited = (performance.now() - wait.since) / 1000;
      const next = due.get(wait) ?? seconds;
      if (waited < next) return;
      due.set(wait, Math.max(next * 2, waited));
      const way =
        wait.mayGiveUp?.() === true
          ? 'Ctrl-C stops it'
          : 'Ctrl-C stops the training after it, and twice ends it at once';
      logger.warn(
        `iteration ${run.iteration} has been waiting for ${Number(waited.toFixed(1))} s: ${nameOf(wait)}. ${way}`,
      );
    },
    Math.min(1000, seconds * 250),
  );
  timer.unref();
  return () => clearInterval(timer);
}
