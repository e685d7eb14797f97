import { getPriority, setPriority } from 'node:os';

/**
 * The nice value of threads that make batches: on a core that is wanted by all, such a thread gets four parts of the time
 * where a training step gets five. It is no lower: the training waits for these threads, and any other program on the
 * machine would keep a thread of low priority from running.
 */
export const THREAD_NICE = 1;

/**
 * Lets this thread run behind the training step, which leaves gaps on its cores; while the step waits for a batch the
 * cores are idle anyway, so that the thread loses little.
 *
 * Only Linux has a priority for each thread; anywhere else, or where it may not be set, nothing changes. Nor does it
 * change where sharp decodes: that is in threads of libuv, which belong to the whole process.
 */
export function giveWay(): void {
  // Elsewhere this would be the priority of the process, and with it of the training.
  if (process.platform !== 'linux') return;
  try {
    // Without an id it is that of the thread that asks. A process that has given way already stays where it is.
    setPriority(Math.max(THREAD_NICE, getPriority()));
  } catch {
    // Not permitted: the thread works as well, only less considerately.
  }
}
