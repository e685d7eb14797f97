import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * Flags that open a file for reading without blocking. Opening a named pipe would otherwise block the thread until somebody
 * writes to it. Windows has neither such pipes in its file system nor the flag.
 */
export const READ_AT_ONCE = constants.O_RDONLY | ((constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0);

/** The first `length` bytes of a file, or all of a shorter one. Undefined when it cannot be read or is not a regular file. */
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
