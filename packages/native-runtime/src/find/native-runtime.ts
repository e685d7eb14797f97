import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { findCachedBindings, whyCacheUntrusted } from './native-cache.ts';
import { findNativePackages, TFJS_VERSION, type LookupOptions, type NativePackage } from './native-package.ts';
import { whyUntrusted } from '../machine/trusted-path.ts';

/** A native package with an addon that exists; whether it loads is known only after loading it. */
export interface NativeRuntime {
  readonly package: NativePackage;
  readonly bindingPath: string;
  /** `package`: where the package looks itself. `cache`: it must be handed to the package when that is loaded. */
  readonly via: 'package' | 'cache';
}

export interface NativeLookup {
  readonly runtime: NativeRuntime | undefined;
  /** Why there is none, as a phrase without a full stop. */
  readonly problem: string;
}

/** Finds the native runtime without loading it. Reads only the file system. */
export function findNativeRuntime(options: LookupOptions = {}): NativeLookup {
  const packages = findNativePackages(options);
  const fitting = packages.filter(({ version }) => version === TFJS_VERSION);
  let untrusted = '';
  for (const candidate of fitting) {
    if (existsSync(candidate.bindingPath)) {
      const reason = whyLinkUntrusted(candidate.bindingPath);
      if (reason === '')
        return { runtime: { package: candidate, bindingPath: candidate.bindingPath, via: 'package' }, problem: '' };
      untrusted ||= reason;
    }
    // Before another copy of the package with an addon of its own, which may bring another tfjs along.
    const [cached] = findCachedBindings(candidate, options.env);
    if (cached !== undefined) {
      return { runtime: { package: candidate, bindingPath: cached.bindingPath, via: 'cache' }, problem: '' };
    }
  }
  untrusted ||= whyCacheUntrusted(options.env);
  return { runtime: undefined, problem: untrusted === '' ? explainAbsence(packages, fitting) : untrusted };
}

/** A package's own addon is as good as the package; setup puts a link there, to a cache that may be somebody else's. */
function whyLinkUntrusted(bindingPath: string): string {
  if (!lstatSync(bindingPath).isSymbolicLink()) return '';
  const target = realpathSync(bindingPath);
  return [dirname(dirname(target)), dirname(target), target].map(whyUntrusted).find((reason) => reason !== '') ?? '';
}

function explainAbsence(packages: readonly NativePackage[], fitting: readonly NativePackage[]): string {
  const [first] = packages;
  if (first === undefined) return '@tensorflow/tfjs-node-gpu is not installed';
  if (fitting.length > 0) return `${fitting[0]?.name ?? first.name} has no native addon yet`;
  return `${first.name} is version ${first.version}, but ${TFJS_VERSION} is needed`;
}
