import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { claimTempName, releaseTempName, removeStaleTemps } from '@hookline/core';
import type { NativePackage } from '../find/native-package.ts';

/**
 * Puts a link to a cached addon where the native package looks for its own, so that a plain
 * `require('@tensorflow/tfjs-node-gpu')` finds it. The old one is replaced in one step.
 *
 * @returns an empty string, or why the folder cannot be written; the cache then hands the addon over at load time
 */
export async function linkBinding(native: NativePackage, bindingPath: string): Promise<string> {
  const folder = dirname(native.bindingPath);
  const name = claimTempName(basename(native.bindingPath));
  const temporary = join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await removeStaleTemps(folder);
    await symlink(bindingPath, temporary);
    await rename(temporary, native.bindingPath);
    return '';
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    return `${folder} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  } finally {
    releaseTempName(name);
  }
}
