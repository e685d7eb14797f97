import { constants, setPriority } from 'node:os';

/**
 * Lets this thread run where others leave a core free: a training step leaves gaps on its cores, and while it waits for
 * a batch the cores are idle, so that a thread of the lowest priority has time enough and takes little from the step.
 *
 * Only Linux has a priority for each thread; anywhere else, or where it may not be set, nothing changes. Nor does it
 * change where sharp decodes: that is in threads of libuv, which belong to the whole process.
 */
export function giveWay(): void {
  // Elsewhere this would be the priority of the process, and with it of the training.
  if (process.platform !== 'linux') return;
  try {
    // Without an id it is that of the thread that asks.
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Not permitted: the thread works as well, only less considerately.
  }
}
