import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessLock, tryLock } from '@hookline/core';

const POLL_MS = 250;

export interface SetupLock extends Pick<ProcessLock, 'release'> {
  /** Another setup was waited for. */
  readonly waited: boolean;
}

/**
 * Waits until this process alone may change the cache. A lock whose process is gone is taken over.
 *
 * @param folder exists
 * @returns `undefined` when another setup still holds it after `timeoutMs`
 */
export async function acquireSetupLock(
  folder: string,
  timeoutMs: number,
  log: (line: string) => void,
): Promise<SetupLock | undefined> {
  const deadline = Date.now() + timeoutMs;
  let waited = false;
  for (;;) {
    const { lock, owner } = tryLock(join(folder, 'setup.lock'));
    if (lock !== undefined) {
      const before = lock.takenFrom;
      if (before !== undefined) log(`process ${String(before.pid)} has left a setup unfinished; beginning again`);
      return { waited, release: () => lock.release() };
    }
    if (Date.now() >= deadline) return undefined;
    if (!waited) log(`another setup is running (process ${String(owner?.pid ?? 'unknown')}); waiting for it`);
    waited = true;
    await sleep(POLL_MS);
  }
}
