import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isAlive } from './process-identity.ts';

/**
 * Temporary files of other hosts, or of live processes, count as abandoned when they have not changed for this long.
 */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
const TEMP_NAME = /^\..+\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.hookline-tmp$/;

// Process-wide, since there may be several copies of this package.
const registry = globalThis as { [key: symbol]: Set<string> | undefined };
const active = (registry[Symbol.for('hookline.activeTempNames')] ??= new Set<string>());
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/**
 * A unique name for a temporary file, which identifies the process that writes it. Pass it to `releaseTempName`
 * afterwards.
 */
export function claimTempName(base: string): string {
  const name = `.${base}.${host}-${process.pid}-${randomBytes(6).toString('hex')}.hookline-tmp`;
  active.add(name);
  return name;
}

/** Declares that the temporary file has been renamed or removed. */
export function releaseTempName(name: string): void {
  active.delete(name);
}

/** Whether a file is an abandoned temporary file of ours: its process is gone, or it has not changed for an hour. */
export function isStaleTemp(name: string, modifiedMs: number): boolean {
  const [, owner, pid] = TEMP_NAME.exec(name) ?? [];
  if (owner === undefined || active.has(name)) return false;
  if (owner === host && (Number(pid) === process.pid || !isAlive(Number(pid)))) return true;
  return Date.now() - modifiedMs > ABANDONED_AFTER_MS;
}
