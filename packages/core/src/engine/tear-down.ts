import type { Disposer } from '../container/service-container.ts';
import { HooklineError } from '../errors.ts';
import type { BackgroundQueues } from '../services/background.ts';
import type { EventStorage } from '../storage/event-storage.ts';
import type { StepRunner } from '../step-runner.ts';
import type { LivePlugins } from './live-plugins.ts';

/**
 * Runs every disposer, the last one first, each within `timeout` milliseconds, whatever the others do.
 *
 * @returns what failed, in the order in which it happened
 */
export async function tearDown(disposers: readonly Disposer[], timeout: number): Promise<readonly HooklineError[]> {
  const errors: HooklineError[] = [];
  for (const disposer of [...disposers].reverse()) {
    let timer: NodeJS.Timeout | undefined;
    try {
      const pending = disposer.dispose();
      if (!(pending instanceof Promise)) continue;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${timeout} ms`)), timeout);
      });
      await Promise.race([pending, late]);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      errors.push(
        new HooklineError('HKL_DISPOSE_FAILED', `closing it failed: ${reason}`, {
          who: disposer.owner,
          where: 'dispose',
          fix: 'Everything else was closed; the cause below holds the original stack',
          cause,
        }),
      );
    } finally {
      clearTimeout(timer);
    }
  }
  return errors;
}

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
