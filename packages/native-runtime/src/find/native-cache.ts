import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '@hookline/core';
import type { NativePackage } from './native-package.ts';
import type { CudaBuild } from './tensorflow-files.ts';
import { whyUntrusted } from '../machine/trusted-path.ts';

/** The addon's file name. */
export const BINDING_FILE = 'tfjs_binding.node';

/** What setup has built and verified, as `manifest.json` in its folder of the cache. */
export interface CachedBinding {
  readonly folder: string;
  readonly bindingPath: string;
  readonly tfjs: string;
  readonly tensorflow: string;
  readonly napi: number;
  readonly platform: string;
  readonly arch: string;
  /** Built against a TensorFlow with CUDA. */
  readonly cuda: boolean;
  /** Which CUDA that is; missing in what an older setup has built. */
  readonly cudaBuild?: CudaBuild | undefined;
  /** Where TensorFlow came from, in words. */
  readonly source: string;
  /** When it passed its train step, as ISO 8601. */
  readonly verified: string;
}

export type CacheKey = Pick<CachedBinding, 'tfjs' | 'tensorflow' | 'napi' | 'platform' | 'arch' | 'cuda'>;

/** The folder that holds all cached bindings. */
export function nativeCacheFolder(env?: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), 'native');
}

/** The name of a binding's folder: everything that must be equal for it to be used again. */
export function cacheEntryName({ tfjs, tensorflow, napi, platform, arch, cuda }: CacheKey): string {
  return `tfjs-${tfjs}_tensorflow-${tensorflow}${cuda ? '-cuda' : ''}_napi-${String(napi)}_${platform}-${arch}`;
}

/** Why the cache, or one entry of it, must not be used: other users may have put code there. Empty where it may. */
export function whyCacheUntrusted(env?: NodeJS.ProcessEnv, entry?: string): string {
  const paths = [cacheFolder(env), nativeCacheFolder(env)];
  if (entry !== undefined && existsSync(entry)) paths.push(...allIn(entry, nativeCacheFolder(env)));
  return paths.map(whyUntrusted).find((reason) => reason !== '') ?? '';
}

/** A folder of the cache with all that is in it, and in other folders of the cache that it has links to. */
function allIn(folder: string, root: string, seen = new Set<string>()): Set<string> {
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const inside = existsSync(root) ? realpathSync(root) : root;
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) allIn(path, root, seen);
    else if (!item.isSymbolicLink()) seen.add(path);
    // Links lead to the CUDA libraries of the cache, or to an installed Python package, which is trusted as Python is.
    else if (existsSync(path) && realpathSync(path).startsWith(inside)) {
      const target = realpathSync(path);
      if (statSync(target).isDirectory()) allIn(target, root, seen);
      else seen.add(target);
    }
  }
  return seen;
}

/**
 * Verified bindings that fit a package on this machine. The one that setup verified last comes first, because setup chose
 * it. Bindings that other users may have changed are left out.
 */
export function findCachedBindings(nativePackage: NativePackage, env?: NodeJS.ProcessEnv): CachedBinding[] {
  const root = nativeCacheFolder(env);
  const names = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('tfjs-')) : [];
  return names
    .map((name) => readCachedBinding(join(root, name)))
    .filter((entry): entry is CachedBinding => entry !== undefined)
    .filter(({ folder }) => whyCacheUntrusted(env, folder) === '')
    .filter(
      (entry) =>
        entry.tfjs === nativePackage.version &&
        entry.napi === nativePackage.napi &&
        entry.platform === process.platform &&
        entry.arch === process.arch,
    )
    .sort((a, b) => b.verified.localeCompare(a.verified) || compareVersions(b.tensorflow, a.tensorflow));
}

/** Reads one folder of the cache; a broken or unfinished one counts as absent. */
export function readCachedBinding(folder: string): CachedBinding | undefined {
  const bindingPath = join(folder, BINDING_FILE);
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Omit<CachedBinding, 'folder'>;
    return existsSync(bindingPath) ? { ...manifest, folder, bindingPath } : undefined;
  } catch {
    return undefined;
  }
}

/** Compares dotted numbers as numbers: 2.9 comes before 2.21. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
