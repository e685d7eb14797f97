import type { BackgroundQueues } from '../services/background-queues.ts';
import type { StepRunner } from '../step-runner.ts';
import type { EventStorage } from '../events/event-storage.ts';
import type { LivePlugins } from './live-plugins.ts';

/** What a training leaves to be closed. */
export interface ClosingParts {
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
  { plugins, background, runner, storage }: ClosingParts,
  timeout: number,
): Promise<readonly unknown[]> {
  const closeRunner = { owner: 'stepRunner', dispose: () => runner?.close?.() };
  // First, since the tasks may use what their plugins hold.
  const errors: unknown[] = [...(await background.drain(timeout)), ...(await plugins.tearDown(closeRunner, timeout))];
  try {
    // Once the training is over nobody may ask for the device any more, but for what it stored they may.
    await storage.resolve();
  } catch (error) {
    errors.push(error);
    storage.discardPending();
  }
  return errors;
}
