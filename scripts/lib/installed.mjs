import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, peer?: boolean, devOptional?: boolean }} LockEntry
 * @typedef {{ packages: Record<string, LockEntry> }} Lock
 */

/**
 * Compares package-lock.json with npm's record of the installed packages. It compares contents, not modification times,
 * because a checkout or a copy changes those.
 *
 * @param {string} root
 * @returns {string | undefined} why an installation is needed; undefined if it is not
 */
export function whyInstall(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  const present = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) return 'there is no package-lock.json';
  if (present === undefined) return 'nothing is installed yet';
  for (const [path, entry] of Object.entries(wanted.packages)) {
    // Optional packages may be missing; those for other platforms always are.
    if (!path.includes('node_modules/') || entry.optional === true || entry.devOptional === true) continue;
    const found = present.packages[path];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (found === undefined) return `${name} is not installed`;
    if (found.version !== entry.version) return `${name} is ${found.version}, not ${entry.version}`;
  }
  return undefined;
}

/**
 * @param {string} path
 * @returns {Lock | undefined}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
