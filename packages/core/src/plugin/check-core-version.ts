import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { HooklineError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Plugin } from './plugin.ts';

/** @throws HooklineError `HKL_CORE_VERSION` when the plugin was made for another @hookline/core */
export function checkCoreVersion(plugin: Plugin, version: string = VERSION): void {
  const range = plugin.definition.core ?? `^${plugin.builtWith}`;
  if (validRange(range) === null) {
    throw new HooklineError('HKL_CORE_VERSION', `core: "${range}" is no version range`, {
      who: plugin.id,
      fix: `Write, for example, "^${version}"`,
    });
  }
  if (satisfies(version, range, { includePrerelease: true })) return;
  throw new HooklineError('HKL_CORE_VERSION', `it needs @hookline/core ${range}, and this is ${version}`, {
    who: plugin.id,
    fix: 'Install matching versions; `npm ls @hookline/core` shows whether there are two copies',
  });
}
