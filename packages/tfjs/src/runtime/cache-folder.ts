import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where Hookline keeps what is expensive to make again: `HOOKLINE_CACHE`, else `$XDG_CACHE_HOME/hookline`, else `~/.cache/hookline`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['HOOKLINE_CACHE']) return resolve(env['HOOKLINE_CACHE']);
  if (env['XDG_CACHE_HOME']) return join(resolve(env['XDG_CACHE_HOME']), 'hookline');
  return join(env['HOME'] ?? homedir(), '.cache', 'hookline');
}
