import { inspect, isDeepStrictEqual } from 'node:util';
import { isPlainObject, type PluginDescription, type TrainerDescription } from '@hookline/core';

/** A trainer as `inspect` describes it. */
export interface InspectedTrainer extends Pick<TrainerDescription, 'plugins' | 'services'> {
  readonly config: unknown;
}

/** A difference between two trainers. `before` or `after` is undefined if only one trainer has it. */
export interface Difference {
  /** Kind of the difference: `config`, `plugin`, `order` or `service`. */
  readonly about: 'config' | 'plugin' | 'order' | 'service';
  /** A key of the config, an option as `plugin.option`, or the id of a plugin or a service. */
  readonly what: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** How the second trainer differs from the first: keys of the config, plugins with their versions and options, their order, services. */
export function compareTrainers(before: InspectedTrainer, after: InspectedTrainer): Difference[] {
  return [
    ...compareValues('config', '', before.config, after.config),
    ...comparePlugins(before.plugins, after.plugins),
    ...compareOrder(before.plugins, after.plugins),
    ...compareValues('service', '', providers(before), providers(after)),
  ];
}

/** Formats the differences, one per line; additions have a +, removals a -. */
export function formatDifferences(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'no difference in config, plugins, their order and services';
  const show = (value: unknown): string => inspect(value, { depth: 4, breakLength: Infinity, compact: true });
  return differences
    .map(({ about, what, before, after }) => {
      if (about === 'plugin' && !what.includes('.'))
        return after === undefined ? `- plugin ${what}` : `+ plugin ${what}`;
      const name = `${about} ${what}`;
      if (before === undefined) return `+ ${name}: ${show(after)}`;
      if (after === undefined) return `- ${name}: ${show(before)}`;
      return `  ${name}: ${show(before)} -> ${show(after)}`;
    })
    .join('\n');
}

/** Compares nested objects key by key, functions by their code, and everything else as a whole. */
function compareValues(about: Difference['about'], path: string, before: unknown, after: unknown): Difference[] {
  if (isPlainObject(before) && isPlainObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) =>
      compareValues(about, path === '' ? key : `${path}.${key}`, before[key], after[key]),
    );
  }
  if (typeof before === 'function' && typeof after === 'function' && String(before) === String(after)) return [];
  return isDeepStrictEqual(before, after) ? [] : [{ about, what: path, before, after }];
}

function comparePlugins(before: readonly PluginDescription[], after: readonly PluginDescription[]): Difference[] {
  const [old, young] = [before, after].map((plugins) => new Map(plugins.map((plugin) => [plugin.id, plugin])));
  const ids = new Set([...before, ...after].map(({ id }) => id));
  return [...ids].flatMap((id): Difference[] => {
    const [was, is] = [old?.get(id), young?.get(id)];
    if (was === undefined || is === undefined)
      return [{ about: 'plugin', what: id, before: was?.version, after: is?.version }];
    const parts = ({ version, options }: PluginDescription) => ({ version, ...(options as object | undefined) });
    return compareValues('plugin', id, parts(was), parts(is));
  });
}

/** The order of the plugins that both trainers have, if it differs. */
function compareOrder(before: readonly PluginDescription[], after: readonly PluginDescription[]): Difference[] {
  const common = (plugins: readonly PluginDescription[], others: readonly PluginDescription[]): string[] =>
    plugins.map(({ id }) => id).filter((id) => others.some((other) => other.id === id));
  const [was, is] = [common(before, after), common(after, before)];
  const first = was.findIndex((id, place) => id !== is[place]);
  if (first === -1) return [];
  return [{ about: 'order', what: 'of the plugins', before: was.slice(first), after: is.slice(first) }];
}

const providers = ({ services }: InspectedTrainer): Record<string, readonly string[]> =>
  Object.fromEntries(services.map(({ id, providedBy, replacedBy }) => [id, [providedBy, ...replacedBy]]));
