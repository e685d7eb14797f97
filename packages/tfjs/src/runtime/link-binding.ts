import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { NativePackage } from './native-package.ts';

/**
 * Puts a link to a cached addon where the native package looks for its own, so that a plain
 * `require('@tensorflow/tfjs-node-gpu')` finds it. The old one is replaced in one step.
 *
 * @returns an empty string, or why the folder cannot be written; the cache then hands the addon over at load time
 */
export async function linkBinding(native: NativePackage, bindingPath: string): Promise<string> {
  const temporary = `${native.bindingPath}.${String(process.pid)}.tmp`;
  try {
    await mkdir(dirname(native.bindingPath), { recursive: true });
    await symlink(bindingPath, temporary);
    await rename(temporary, native.bindingPath);
    return '';
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    return `${dirname(native.bindingPath)} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}
