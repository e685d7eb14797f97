import type { Disposer } from '../container/service-container.ts';
import { HooklineError } from '../errors.ts';
import { isThenable } from '../thenable.ts';

/**
 * Runs every disposer, the last one first, each within `timeout` milliseconds, also after one that fails.
 *
 * @returns the errors, in the order in which they happened
 */
export async function tearDown(disposers: readonly Disposer[], timeout: number): Promise<readonly HooklineError[]> {
  const errors: HooklineError[] = [];
  for (const disposer of [...disposers].reverse()) {
    let timer: NodeJS.Timeout | undefined;
    try {
      const pending = disposer.dispose();
      if (!isThenable(pending)) continue;
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
