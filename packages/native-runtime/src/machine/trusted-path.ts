import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';

/** Write permission of the group and of everybody. */
const GROUP = 0o020;
const OTHERS = 0o002;

/**
 * Why code must not be loaded from a file or folder: somebody else than this user or root owns it or may write it.
 *
 * A group counts as somebody else unless it is this process's own, for many systems give each user a group of his own.
 *
 * @returns a phrase with the remedy, or an empty string; one that does not exist, and Windows, have no reason
 */
export function whyUntrusted(path: string): string {
  const { geteuid, getegid } = process;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || geteuid === undefined || getegid === undefined) return '';
  const remedy = 'remove it, or set HOOKLINE_CACHE to a folder of your own';
  const user = geteuid.call(process);
  if (found.uid !== user && found.uid !== 0) {
    return `${path} belongs to another user (number ${String(found.uid)}): ${remedy}`;
  }
  const isOpen =
    (found.mode & OTHERS) !== 0 ||
    ((found.mode & GROUP) !== 0 && found.gid !== getegid.call(process) && found.gid !== 0);
  return isOpen ? `other users may write ${path}: ${remedy}` : '';
}

/**
 * Makes a folder that only this user may write, with those above it, and takes the permission of others away where it
 * exists and is this user's.
 *
 * @throws Error where it is somebody else's; what the system says where it cannot be made
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(path);
  if (uid === process.geteuid?.() && (mode & (GROUP | OTHERS)) !== 0) chmodSync(path, mode & 0o755);
  const reason = whyUntrusted(path);
  if (reason !== '') throw new Error(reason);
}
