import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Path of the repository's root folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs a program in the repository's root folder and waits for it. It has no standard input and inherits the outputs.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, quiet?: boolean }} [options] quiet: redirect its output to standard error, so that
 * standard output contains only what the caller prints
 * @returns {number} its exit status; 1 if it could not start or was killed
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
 * Runs npm. If npm runs this script, uses the same npm.
 *
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean }} [options]
 */
export function runNpm(args, options) {
  const npm = process.env['npm_execpath'];
  if (npm !== undefined && npm.endsWith('.js')) return run(process.execPath, [npm, ...args], options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}
