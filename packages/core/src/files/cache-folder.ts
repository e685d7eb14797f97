import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Where Hookline keeps what is expensive to make again: `HOOKLINE_CACHE`, else `$XDG_CACHE_HOME/hookline`, else
 * `~/.cache/hookline`.
 *
 * Code is loaded from this folder, so only `HOOKLINE_CACHE` may name it relative to the current directory. The other
 * variables are ignored where they are empty or not absolute. Without `HOME`, the home folder of the user's account is
 * taken; a user without one gets a private folder in the temporary folder.
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
