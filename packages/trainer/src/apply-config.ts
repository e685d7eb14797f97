import { inspect, isDeepStrictEqual } from 'node:util';
import { type Logger, makePlugin, type PluginEntry, shortName } from '@hookline/core';
import type { ConfigOption, PluginConfig } from './config-of-plugins.ts';
import { isSection } from './config/lay-over.ts';
import { valueAt } from './config/written-keys.ts';

/** The arguments of {@link applyConfig}. */
export interface ConfigParts {
  readonly config: object;
  /** The config's options, by plugin name. */
  readonly plugins: Readonly<Record<string, PluginConfig>>;
  /** Whether a key was set explicitly; the others have defaults. */
  readonly isWritten: (key: string) => boolean;
  readonly logger: Logger;
}

/**
 * Applies the config's options to the plugins. A key that was set explicitly overrides the options of presets and lists; a
 * default applies only if these do not set the option. An explicit key that switches a plugin off removes it. Every
 * override is logged, and a warning names the keys that apply to no plugin.
 */
export function applyConfig(entries: readonly PluginEntry[], parts: ConfigParts): readonly PluginEntry[] {
  const { plugins, isWritten } = parts;
  const result = entries.flatMap((entry) => {
    const says = Object.hasOwn(plugins, entry.plugin.id) ? plugins[entry.plugin.id] : undefined;
    if (says === undefined) return [entry];
    const { asked } = says;
    if (asked?.isWanted === false && isWritten(asked.key)) {
      tell(parts, asked.key, `leaves out ${shortName(entry.plugin.id)}`, entry);
      return [];
    }
    return [configured(entry, says, parts)];
  });
  warnOfUnused(result, parts);
  return result;
}

function configured(entry: PluginEntry, says: PluginConfig, parts: ConfigParts): PluginEntry {
  const { options: said, keys = [] } = says;
  const { plugin } = entry;
  const options: Record<string, unknown> = { ...(plugin.options as object | undefined) };
  const changes: string[] = [];
  for (const [name, option] of Object.entries(said)) {
    if (isSettled(options[name], option, says, parts)) continue;
    if (options[name] !== undefined && option.key !== undefined) {
      tell(parts, option.key, `in place of ${shown(options[name])} as ${name} of ${shortName(plugin.id)}`, entry);
    }
    if (option.value === undefined) Reflect.deleteProperty(options, name);
    else options[name] = option.value;
    if (option.key !== undefined && parts.isWritten(option.key)) changes.push(`${name} by ${option.key}`);
  }
  const unused = options['schedule'] === undefined ? [] : keys.filter(parts.isWritten);
  if (unused.length > 0) {
    const own = `${shortName(plugin.id)} has a schedule of its own, by ${entry.addedBy}`;
    warn(parts, unused, `${own}. Write solver.lrSchedule to have that of the config`);
  }
  return {
    ...entry,
    plugin: makePlugin(plugin.definition, options, plugin.instance),
    changes: [...entry.changes, ...changes],
  };
}

/** Whether the option of the list is kept. */
function isSettled(
  given: unknown,
  { key, value }: ConfigOption,
  { asked }: PluginConfig,
  { isWritten }: ConfigParts,
): boolean {
  if (isDeepStrictEqual(given, value)) return true;
  // `true` only switches TensorBoard files on; keep options that say more.
  if (value === true && isSection(given)) return true;
  if (key === undefined) return given !== undefined;
  if (isWritten(key)) return false;
  // Config defaults do not apply to a plugin that the config does not ask for: an emaDecay of 0 means that nothing is averaged.
  return given !== undefined || (asked !== undefined && asked.isWanted !== true);
}

function warnOfUnused(entries: readonly PluginEntry[], parts: ConfigParts): void {
  const { plugins, config, isWritten } = parts;
  const listed = new Set(entries.map(({ plugin }) => plugin.id));
  const all = Object.entries(plugins);
  const told = new Set(all.flatMap(([name, says]) => (listed.has(name) ? keysOf(says) : [])));
  for (const [name, says] of all) {
    const { asked } = says;
    if (listed.has(name) || (asked?.isWanted === false && isWritten(asked.key))) continue;
    // A key that switches the plugin off has its effect even without the plugin.
    const unused = keysOf(says).filter((key) => isWritten(key) && !told.has(key) && valueAt(config, key) !== false);
    for (const key of unused) told.add(key);
    if (unused.length === 0) continue;
    if (asked !== undefined && asked.isWanted !== true) {
      warn(parts, unused, `${asked.key} is ${JSON.stringify(valueAt(config, asked.key))}`);
      continue;
    }
    const instead = entries.find(({ changes }) => changes.includes(`in place of ${name}`));
    const short = shortName(name);
    warn(
      parts,
      unused,
      instead === undefined
        ? `${short} is not among the plugins. List it, or leave out the key`
        : `${instead.plugin.id} is in the place of ${short}. Give it the option where it is made, or leave out the key`,
    );
  }
}

/** The keys that apply to a plugin if it is listed. */
function keysOf({ options, asked, keys = [] }: PluginConfig): string[] {
  const own = Object.values(options).flatMap(({ key }) => (key === undefined ? [] : [key]));
  return [...new Set([...(asked?.isWanted === true ? [asked.key] : []), ...own, ...keys])];
}

function tell({ config, logger }: ConfigParts, key: string, what: string, { addedBy }: PluginEntry): void {
  logger.info(`config:     ${key} ${JSON.stringify(valueAt(config, key))} ${what} (added by ${addedBy})`);
}

function warn({ logger }: ConfigParts, keys: readonly string[], why: string): void {
  logger.warn(`config: ${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'} not used: ${why}`);
}

const shown = (value: unknown): string => inspect(value, { depth: 1, breakLength: Infinity });
