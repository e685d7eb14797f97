import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { CONFIG_SHAPE } from './config-schema.ts';
import { isSection } from './merge-config.ts';

/** The explicitly set keys of each config that a definition has made. A changed copy of a config is not in it. */
const WRITTEN = new WeakMap<object, ReadonlySet<string>>();

let defaults: object | undefined;

/**
 * Remembers which keys of a config were set explicitly, in a file, for a device or by `--set`; the others have
 * defaults.
 *
 * @param values the values that were set, by section
 * @returns the config
 */
export function rememberWritten<C extends object>(config: C, values: object): C {
  WRITTEN.set(config, new Set(keysOf(values)));
  return config;
}

/** Copies the record of explicitly set keys to a changed copy of a config. */
export function copyWritten<C extends object>(from: C, to: C): C {
  const written = WRITTEN.get(from);
  if (written !== undefined) WRITTEN.set(to, written);
  return to;
}

/**
 * Whether a key of a config, such as `checkpoint.period`, was set explicitly. In a config that no definition has made,
 * such as a changed copy, a value counts as set if it differs from the default.
 */
export function isWritten(config: object, key: string): boolean {
  const written = WRITTEN.get(config);
  if (written !== undefined) return written.has(key) || [...written].some((each) => each.startsWith(`${key}.`));
  defaults ??= z.strictObject(CONFIG_SHAPE).parse({});
  return !isDeepStrictEqual(valueAt(config, key), valueAt(defaults, key));
}

function keysOf(values: object, prefix = ''): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return isSection(value) ? keysOf(value, `${prefix}${key}.`) : [`${prefix}${key}`];
  });
}

/** The value of a key such as `checkpoint.period`. */
export function valueAt(config: object, key: string): unknown {
  let at: unknown = config;
  for (const part of key.split('.')) at = (at as Readonly<Record<string, unknown>> | undefined)?.[part];
  return at;
}
