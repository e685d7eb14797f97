import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from '@hookline/core';
import { whyUntrusted } from '../machine/trusted-path.ts';

/** The release of tfjs that this package is built for; the native package must be the same one. */
export const TFJS_VERSION = '4.22.0';

/** Packages that hold the native backend, best first. */
export const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

export interface NativePackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  /** Where the package itself looks for its addon. */
  readonly bindingPath: string;
  /** Node-API version of the addon, as the package chooses it. */
  readonly napi: number;
}

export interface LookupOptions {
  /** Folders from which packages are resolved, in order. Default: this package, then the current folder. */
  readonly from?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** The folder into which setup installs the native package when npm has left it out. */
export function installFolder(env?: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), 'packages', `tfjs-${TFJS_VERSION}`);
}

/** Every copy of a native package that can be resolved, without loading any. */
export function findNativePackages({ from, env }: LookupOptions = {}): NativePackage[] {
  // The cache counts only where nobody else may put code there.
  const kept = [cacheFolder(env), installFolder(env)];
  const isTrusted = kept.every((folder) => whyUntrusted(folder) === '');
  const bases = [
    ...(from ?? [dirname(import.meta.filename), process.cwd()]),
    ...(isTrusted ? [installFolder(env)] : []),
  ];
  const found = new Map<string, NativePackage>();
  for (const base of bases) {
    for (const name of NATIVE_PACKAGES) {
      const folder = resolvePackage(name, base);
      const described = folder === undefined || found.has(folder) ? undefined : describePackage(name, folder);
      if (described !== undefined) found.set(described.folder, described);
    }
  }
  return [...found.values()];
}

/** The folder of an installed package as seen from `base`, or `undefined`. */
export function resolvePackage(name: string, base: string): string | undefined {
  for (let folder = base; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === dirname(folder)) break;
  }
  try {
    // Module loaders of other kinds than node_modules folders answer here.
    return dirname(createRequire(join(base, 'noop.js')).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function describePackage(name: string, folder: string): NativePackage | undefined {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
    binary?: { module_path: string; module_name: string; napi_versions: number[] };
  };
  if (manifest.binary === undefined || !existsSync(join(folder, 'dist', 'index.js'))) return undefined;
  // The same rule as node-pre-gyp's: the newest Node-API that both the package and this Node know.
  const known = manifest.binary.napi_versions.filter((version) => version <= Number(process.versions.napi));
  const napi = Math.max(...known);
  const modulePath = manifest.binary.module_path.replace('{napi_build_version}', String(napi));
  const bindingPath = join(folder, modulePath, `${manifest.binary.module_name}.node`);
  return { name, version: manifest.version, folder, bindingPath, napi };
}
