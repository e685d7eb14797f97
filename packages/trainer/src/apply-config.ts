import { inspect, isDeepStrictEqual } from 'node:util';
import { type Logger, makePlugin, type PluginEntry, shortName } from '@hookline/core';
import type { ConfigOption, PluginConfig } from './config-of-plugins.ts';
import { isSection } from './config/merge-config.ts';
import { valueAt } from './config/written-keys.ts';

/** A config, and what {@link applyConfig} needs to apply it to plugins. */
export interface ConfigContext {
  readonly config: object;
  /** The config's settings, by plugin name. */
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
export function applyConfig(entries: readonly PluginEntry[], context: ConfigContext): readonly PluginEntry[] {
  const { plugins, isWritten } = context;
  const result = entries.flatMap((entry) => {
    const settings = Object.hasOwn(plugins, entry.plugin.id) ? plugins[entry.plugin.id] : undefined;
    if (settings === undefined) return [entry];
    const { toggle } = settings;
    if (toggle?.isOn === false && isWritten(toggle.key)) {
      tell(context, toggle.key, `leaves out ${shortName(entry.plugin.id)}`, entry);
      return [];
    }
    return [configured(entry, settings, context)];
  });
  warnOfUnused(result, context);
  return result;
}

function configured(entry: PluginEntry, settings: PluginConfig, context: ConfigContext): PluginEntry {
  const { options: configOptions, keys = [] } = settings;
  const { plugin } = entry;
  const options: Record<string, unknown> = { ...(plugin.options as object | undefined) };
  const changes: string[] = [];
  for (const [name, option] of Object.entries(configOptions)) {
    if (isSettled(options[name], option, settings, context)) continue;
    if (options[name] !== undefined && option.key !== undefined) {
      tell(context, option.key, `in place of ${shown(options[name])} as ${name} of ${shortName(plugin.id)}`, entry);
    }
    if (option.value === undefined) Reflect.deleteProperty(options, name);
    else options[name] = option.value;
    if (option.key !== undefined && context.isWritten(option.key)) changes.push(`${name} by ${option.key}`);
  }
  const unused = options['schedule'] === undefined ? [] : keys.filter(context.isWritten);
  if (unused.length > 0) {
    const own = `${shortName(plugin.id)} has a schedule of its own, by ${entry.addedBy}`;
    warn(context, unused, `${own}. Write solver.lrSchedule to have that of the config`);
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
  { toggle }: PluginConfig,
  { isWritten }: ConfigContext,
): boolean {
  if (isDeepStrictEqual(given, value)) return true;
  // `true` only switches TensorBoard files on; keep options that say more.
  if (value === true && isSection(given)) return true;
  if (key === undefined) return given !== undefined;
  if (isWritten(key)) return false;
  // Config defaults do not apply to a plugin that the config does not switch on: an emaDecay of 0 means that nothing is averaged.
  return given !== undefined || (toggle !== undefined && toggle.isOn !== true);
}

function warnOfUnused(entries: readonly PluginEntry[], context: ConfigContext): void {
  const { plugins, config, isWritten } = context;
  const listed = new Set(entries.map(({ plugin }) => plugin.id));
  const all = Object.entries(plugins);
  const explained = new Set(all.flatMap(([name, settings]) => (listed.has(name) ? keysOf(settings) : [])));
  for (const [name, settings] of all) {
    const { toggle } = settings;
    if (listed.has(name) || (toggle?.isOn === false && isWritten(toggle.key))) continue;
    // A key that switches the plugin off has its effect even without the plugin.
    const unused = keysOf(settings).filter(
      (key) => isWritten(key) && !explained.has(key) && valueAt(config, key) !== false,
    );
    for (const key of unused) explained.add(key);
    if (unused.length === 0) continue;
    if (toggle !== undefined && toggle.isOn !== true) {
      warn(context, unused, `${toggle.key} is ${JSON.stringify(valueAt(config, toggle.key))}`);
      continue;
    }
    const instead = entries.find(({ changes }) => changes.includes(`in place of ${name}`));
    const short = shortName(name);
    warn(
      context,
      unused,
      instead === undefined
        ? `${short} is not among the plugins. List it, or leave out the key`
        : `${instead.plugin.id} is in the place of ${short}. Give it the option where it is made, or leave out the key`,
    );
  }
}

/** The keys that apply to a plugin if it is listed. */
function keysOf({ options, toggle, keys = [] }: PluginConfig): string[] {
  const own = Object.values(options).flatMap(({ key }) => (key === undefined ? [] : [key]));
  return [...new Set([...(toggle?.isOn === true ? [toggle.key] : []), ...own, ...keys])];
}

function tell({ config, logger }: ConfigContext, key: string, what: string, { addedBy }: PluginEntry): void {
  logger.info(`config:     ${key} ${JSON.stringify(valueAt(config, key))} ${what} (added by ${addedBy})`);
}

function warn({ logger }: ConfigContext, keys: readonly string[], why: string): void {
  logger.warn(`config: ${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'} not used: ${why}`);
}

const shown = (value: unknown): string => inspect(value, { depth: 1, breakLength: Infinity });
