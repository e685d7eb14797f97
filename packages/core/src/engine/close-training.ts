import type { BackgroundQueues } from '../services/background-queues.ts';
import type { StepRunner } from '../step-runner.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { LivePlugins } from './live-plugins.ts';

/** What has to be closed at the end of a training. */
export interface TrainingToClose {
  readonly plugins: LivePlugins;
  readonly background: BackgroundQueues;
  readonly runner: StepRunner | undefined;
  readonly storage: EventStorage;
}

/**
 * Lets the background tasks end, tears the plugins down, then closes the runner; each of them may take `timeout`
 * milliseconds.
 *
 * @returns what failed
 */
export async function closeTraining(
  { plugins, background, runner, storage }: TrainingToClose,
  timeout: number,
): Promise<readonly unknown[]> {
  const closeRunner = { owner: 'stepRunner', dispose: () => runner?.close?.() };
  // The tasks end first, since they may use what their plugins hold.
  const errors: unknown[] = [...(await background.drain(timeout)), ...(await plugins.tearDown(closeRunner, timeout))];
  try {
    // The stored scalars are read now: after the training they may still be asked for, but the device may not.
    await storage.resolve();
  } catch (error) {
    errors.push(error);
    storage.discardPending();
  }
  return errors;
}
