import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs a program in the repository and waits for it. It reads no input and inherits the outputs.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, quiet?: boolean }} [options] quiet: what it prints goes to standard error, so
 * that standard output holds only what the caller prints
 * @returns {number} its exit status; 1 when it could not start or was killed
 */
export function run(command, args, { env = process.env, quiet = false } = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', quiet ? process.stderr : 'inherit', 'inherit'],
  });
  if (error !== undefined) console.error(`${command} could not be run: ${error.message}`);
  return status ?? 1;
}

/**
 * Runs npm: the one that runs this script, when one does.
 *
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean }} [options]
 */
export function runNpm(args, options) {
  const npm = process.env['npm_execpath'];
  if (npm !== undefined && npm.endsWith('.js')) return run(process.execPath, [npm, ...args], options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}
