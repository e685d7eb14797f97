import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly started: number;
}

/** A lock older than this was left behind by a setup on another machine that shares the cache. */
const STALE_MS = 60 * 60_000;
const POLL_MS = 250;

export interface SetupLock {
  /** Another setup was waited for. */
  readonly waited: boolean;
  release(): void;
}

/**
 * Waits until this process alone may change the cache. A lock whose process is gone is taken over.
 *
 * @returns `undefined` when another setup still holds it after `timeoutMs`
 */
export async function acquireSetupLock(
  folder: string,
  timeoutMs: number,
  log: (line: string) => void,
): Promise<SetupLock | undefined> {
  await mkdir(folder, { recursive: true });
  const lock = join(folder, 'setup.lock');
  const deadline = Date.now() + timeoutMs;
  let told = false;
  for (;;) {
    if (take(lock)) return holdUntilReleased(lock, told);
    const owner = readOwner(lock);
    if (owner !== undefined && isStale(owner)) {
      removeStale(lock, owner);
      continue;
    }
    if (Date.now() >= deadline) return undefined;
    if (!told)
      log(`another setup is running (process ${owner === undefined ? 'unknown' : String(owner.pid)}); waiting for it`);
    told = true;
    await sleep(POLL_MS);
  }
}

function take(lock: string): boolean {
  // The owner is written before the lock appears, so that nobody ever sees a lock without an owner.
  const prepared = `${lock}.${String(process.pid)}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(prepared);
  writeFileSync(
    join(prepared, 'owner.json'),
    JSON.stringify({ pid: process.pid, host: hostname(), started: Date.now() } satisfies Owner),
  );
  try {
    renameSync(prepared, lock);
    return true;
  } catch {
    rmSync(prepared, { recursive: true, force: true });
    return false;
  }
}

function holdUntilReleased(lock: string, waited: boolean): SetupLock {
  const release = () => {
    process.off('exit', release);
    rmSync(lock, { recursive: true, force: true });
  };
  process.once('exit', release);
  return { waited, release };
}

function readOwner(lock: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isStale({ pid, host, started }: Owner): boolean {
  if (Date.now() - started > STALE_MS) return true;
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function removeStale(lock: string, stale: Owner): void {
  const aside = `${lock}.stale.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(lock, aside);
    const moved = readOwner(aside);
    // Between looking and moving, another setup may have done the same and taken the lock: give it back.
    if (moved !== undefined && (moved.pid !== stale.pid || moved.started !== stale.started)) renameSync(aside, lock);
    else rmSync(aside, { recursive: true, force: true });
  } catch {
    // Somebody else was quicker; the next round looks again.
  }
}
