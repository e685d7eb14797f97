import { statfs } from 'node:fs/promises';
import { nativeCacheFolder } from '../find/native-cache.ts';

/** Bytes free where the cache lies; `undefined` where the system does not tell. */
export async function freeCacheBytes(env: NodeJS.ProcessEnv): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(nativeCacheFolder(env));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Why there is too little room for a download, as a phrase, or an empty string. */
export function whyTooLittleRoom(needed: number, free: number | undefined, env: NodeJS.ProcessEnv): string {
  if (free === undefined || free >= needed) return '';
  return (
    `only ${inGigabytes(free)} are free where the cache lies (${nativeCacheFolder(env)}), and ${inGigabytes(needed)} are ` +
    'needed; make room, or set HOOKLINE_CACHE to a folder on another disk'
  );
}

/** Bytes for people, such as `2.8 GB`; small amounts in MB. */
export function inGigabytes(bytes: number): string {
  return bytes < 1e9 ? `${String(Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
