import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../../..');
/** The command's script, which runs the built files. */
export const BIN = join(ROOT, 'packages/hookline/bin/hookline.js');

/** Builds the command and the packages that it imports, if they have changed. @throws Error with the compiler's output */
export function buildCommand(): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-b', 'packages/hookline'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout);
}

/**
 * Makes a temporary folder like a user's: an ESM package with `hookline` installed, and a trainer file. The caller removes it.
 *
 * @param name becomes part of the folder's name
 * @param trainer content of `trainer.ts`
 */
export function userFolder(name: string, trainer: string): string {
  const folder = mkdtempSync(join(tmpdir(), `hookline-${name}-`));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'packages/hookline'), join(folder, 'node_modules/hookline'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'trainer.ts'), trainer);
  return folder;
}

/** Runs the command in a folder and waits until it ends. @param env changes to the environment */
export function runCommand(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [BIN, ...args], {
    cwd: folder,
    encoding: 'utf8',
    // A user does not have Jest's NODE_OPTIONS.
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
}
