import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * Flags to open a file for reading that never wait. Opening a named pipe would otherwise hold up the thread until somebody
 * writes to it. Windows has no such pipes among its files, and no such flag.
 */
export const READ_AT_ONCE = constants.O_RDONLY | ((constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0);

/** The first bytes of a file, or all of a shorter one. Undefined where it cannot be read or is no ordinary file. */
export function readHead(file: string, length: number): Uint8Array | undefined {
  let opened: number | undefined;
  try {
    opened = openSync(file, READ_AT_ONCE);
    if (!fstatSync(opened).isFile()) return undefined;
    const head = new Uint8Array(length);
    return head.subarray(0, readSync(opened, head, 0, length, 0));
  } catch {
    return undefined;
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}
