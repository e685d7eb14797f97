import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from './file-error.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Who holds a lock. */
export interface LockOwner extends ProcessIdentity {
  /** When it was taken, as ISO 8601. */
  readonly since: string;
  /** Tells several locks of one process apart. */
  readonly token: string;
}

/** A lock that this process holds. */
export interface ProcessLock {
  /** The owner before, where that process ended without releasing the lock. */
  readonly takenFrom: LockOwner | undefined;
  /** Releases the lock. Does nothing where the lock was removed or taken over. */
  release(): void;
  /** `held`; `removed` when somebody has deleted it; `lost` when somebody else has taken it over. */
  check(): 'held' | 'removed' | 'lost';
}

/** The lock, or its owner where it is taken: `undefined` for a lock whose owner cannot be read. */
export type LockAnswer =
  { readonly lock: ProcessLock; readonly owner?: never } | { readonly lock?: never; readonly owner?: LockOwner };

/** How often a holder refreshes its lock, for processes that cannot ask the system whether it still runs. */
const REFRESH_MS = 30_000;
/** A holder on another machine counts as gone when it has not refreshed its lock for this long. */
export const ABANDONED_AFTER_MS = 3 * 60_000;
const OWNER_FILE = 'owner.json';

/** The locks of this process; shared, since there may be several copies of this package. */
const registry = globalThis as { [key: symbol]: Map<string, () => void> | undefined };
const held = (registry[Symbol.for('hookline.processLocks')] ??= releasedAtExit());

/**
 * Tries to take a lock, a folder at `path` in a folder that exists. The lock belongs to a process. It is released when
 * the process ends; where the process was killed, the next one takes the lock over. Holders on other machines, or in
 * other containers, count as gone when they have not refreshed the lock for three minutes.
 *
 * @throws what the system says where the folder cannot be written
 */
export function tryLock(path: string): LockAnswer {
  for (let round = 0; ; round++) {
    const token = randomBytes(6).toString('hex');
    const taken = take(path, { ...ownIdentity(), since: new Date().toISOString(), token });
    if (taken === 'taken') return { lock: hold(path, token, undefined) };
    const owner = readOwner(path);
    // The lock was released in the meantime, so try again; but not for ever, since the owner's file may be unreadable.
    if (owner === undefined && round < 10) continue;
    if (!isGone(path, owner, taken)) return owner === undefined ? {} : { owner };
    if (!moveAway(path, owner?.token)) continue;
    const again = take(path, { ...ownIdentity(), since: new Date().toISOString(), token });
    if (again === 'taken') return { lock: hold(path, token, owner) };
  }
}

/** @returns `taken`, or the current time of the file system's clock where somebody has the lock already */
function take(path: string, owner: LockOwner): 'taken' | number {
  // The owner is written before the lock appears, so that nobody ever sees a lock without an owner.
  const prepared = `${path}.${owner.token}`;
  mkdirSync(prepared);
  try {
    const file = join(prepared, OWNER_FILE);
    writeFileSync(file, `${JSON.stringify(owner)}\n`);
    const now = statSync(file).mtimeMs;
    try {
      renameSync(prepared, path);
      return 'taken';
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error;
      return now;
    }
  } finally {
    rmSync(prepared, { recursive: true, force: true });
  }
}

function isGone(path: string, owner: LockOwner | undefined, now: number): boolean {
  const running = owner === undefined ? undefined : isRunning(owner);
  if (owner !== undefined && running === true) return owner.pid === process.pid && !held.has(owner.token);
  if (running === false) return true;
  const sign = statSync(join(path, OWNER_FILE), { throwIfNoEntry: false }) ?? statSync(path, { throwIfNoEntry: false });
  return sign !== undefined && now - sign.mtimeMs > ABANDONED_AFTER_MS;
}

/** The lock is renamed before it is removed, so that a lock which somebody else creates meanwhile is never removed. */
function moveAway(path: string, token: string | undefined): boolean {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
    // Between looking and moving, another process may have done the same and taken the lock: give it back.
    const moved = readOwner(aside);
    if (moved !== undefined && moved.token !== token) {
      renameSync(aside, path);
      return false;
    }
    rmSync(aside, { recursive: true, force: true });
    return true;
  } catch {
    // Another process was quicker.
    return false;
  }
}

function hold(path: string, token: string, takenFrom: LockOwner | undefined): ProcessLock {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      if (readOwner(path)?.token === token) utimesSync(join(path, OWNER_FILE), now, now);
    } catch {
      // The lock is gone; check() reports that.
    }
  }, REFRESH_MS);
  timer.unref();
  const release = (): void => {
    clearInterval(timer);
    held.delete(token);
    if (readOwner(path)?.token === token) moveAway(path, token);
  };
  held.set(token, release);
  return {
    takenFrom,
    release,
    check() {
      const owner = readOwner(path);
      if (owner === undefined) return 'removed';
      return owner.token === token ? 'held' : 'lost';
    },
  };
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(join(path, OWNER_FILE), 'utf8')) as Partial<LockOwner>;
    const { pid, host, boot, born, since, token } = owner;
    const texts = [host, boot, born, since, token];
    if (!Number.isInteger(pid) || texts.some((text) => typeof text !== 'string')) return undefined;
    return owner as LockOwner;
  } catch {
    return undefined;
  }
}

function releasedAtExit(): Map<string, () => void> {
  const locks = new Map<string, () => void>();
  process.once('exit', () => {
    for (const release of locks.values()) release();
  });
  return locks;
}
