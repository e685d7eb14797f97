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
  /** Who held it before and had gone without giving it back. */
  readonly takenFrom: LockOwner | undefined;
  /** Gives the lock back; does nothing where it is gone or somebody else's by now. */
  release(): void;
  /** `held`; `removed` when somebody has deleted it; `lost` when somebody else has taken it over. */
  check(): 'held' | 'removed' | 'lost';
}

/** The lock, or who has it: `undefined` for a lock that does not say. */
export type LockAnswer =
  { readonly lock: ProcessLock; readonly owner?: never } | { readonly lock?: never; readonly owner?: LockOwner };

/** How often a holder shows that it lives, for those who cannot ask the system about it. */
const REFRESH_MS = 30_000;
/** Without a sign of life for so long, a holder on another machine counts as gone. */
export const ABANDONED_AFTER_MS = 3 * 60_000;
const OWNER_FILE = 'owner.json';

/** The locks of this process; shared, since there may be several copies of this package. */
const registry = globalThis as { [key: symbol]: Map<string, () => void> | undefined };
const held = (registry[Symbol.for('hookline.processLocks')] ??= releasedAtExit());

/**
 * Tries to take a lock, a folder at `path` in a folder that exists. It belongs to a process: it is given back at its
 * end, and where the process was killed the next one takes it over. Holders on other machines, or in other containers,
 * count as gone when they have given no sign of life for three minutes.
 *
 * @throws what the system says where the folder cannot be written
 */
export function tryLock(path: string): LockAnswer {
  for (let round = 0; ; round++) {
    const token = randomBytes(6).toString('hex');
    const taken = take(path, { ...ownIdentity(), since: new Date().toISOString(), token });
    if (taken === 'taken') return { lock: hold(path, token, undefined) };
    const owner = readOwner(path);
    // Given back in the meantime; again, but not for ever, for what lies there may not be readable.
    if (owner === undefined && round < 10) continue;
    if (!isGone(path, owner, taken)) return owner === undefined ? {} : { owner };
    if (!moveAway(path, owner?.token)) continue;
    const again = take(path, { ...ownIdentity(), since: new Date().toISOString(), token });
    if (again === 'taken') return { lock: hold(path, token, owner) };
  }
}

/** @returns `taken`, or the time on the clock of the file system, where it is somebody's already */
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

/** Renamed first, so that removing it can never meet what somebody else puts there meanwhile. */
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
    // Somebody else was quicker.
    return false;
  }
}

function hold(path: string, token: string, takenFrom: LockOwner | undefined): ProcessLock {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      if (readOwner(path)?.token === token) utimesSync(join(path, OWNER_FILE), now, now);
    } catch {
      // It is gone; check() tells whoever asks.
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
