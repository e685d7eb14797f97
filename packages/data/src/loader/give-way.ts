import { getPriority, setPriority } from 'node:os';

/**
 * The nice value of threads that make batches. On a contended core, such a thread gets four parts of the time
 * for every five of the training step. The priority is not lower still, because the training waits for these threads, and any other program on the
 * machine could keep a thread of low priority from running.
 */
export const THREAD_NICE = 1;

/**
 * Gives this thread a lower priority than the training step. It then runs in the gaps that the step leaves on its cores. While the step waits for a batch, the
 * cores are idle anyway, so the thread loses little.
 *
 * Only Linux has a priority for each thread. On other systems, or without permission, nothing changes. The priority does not apply to
 * decoding by sharp, which runs in libuv's threads of the whole process.
 */
export function giveWay(): void {
  // On other systems this would set the priority of the whole process, including the training.
  if (process.platform !== 'linux') return;
  try {
    // Without an id, the call applies to the current thread. A process that already has a lower priority keeps it.
    setPriority(Math.max(THREAD_NICE, getPriority()));
  } catch {
    // Without permission the thread keeps its priority, which only makes it compete with the training.
  }
}
