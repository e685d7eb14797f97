import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Where Hookline keeps what is expensive to make again: `HOOKLINE_CACHE`, else `$XDG_CACHE_HOME/hookline`, else
 * `~/.cache/hookline`.
 *
 * Code is loaded from there, so it is never a folder that depends on where the command was started, unless
 * `HOOKLINE_CACHE` says so: other variables that are empty or not absolute do not count, and without `HOME` the home
 * folder is that of the user's account. Who has none gets a folder of his own in the temporary folder.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['HOOKLINE_CACHE']) return resolve(env['HOOKLINE_CACHE']);
  const xdg = env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(xdg)) return join(xdg, 'hookline');
  const home = [env['HOME'] ?? '', accountHome()].find(isAbsolute);
  return home === undefined
    ? join(tmpdir(), `hookline-${String(process.geteuid?.() ?? 'cache')}`)
    : join(home, '.cache', 'hookline');
}

function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // An account that the system does not know, as in some containers. Windows has no HOME.
    return process.platform === 'win32' ? homedir() : '';
  }
}
