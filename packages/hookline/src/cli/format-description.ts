import { inspect } from 'node:util';
import type { HookDescription, PluginDescription, TrainerDescription } from '@hookline/core';
import { wrap } from './table.ts';

const WIDTH = 100;
const LABEL = 12;
const INDENT = ' '.repeat(5);

/** Formats a trainer as text: plugins in order with reasons, hooks with their taps in order, and services. */
export function formatDescription({ plugins, hooks, services }: TrainerDescription): string {
  // An instance keeps the suffix that distinguishes it from the others.
  const names = new Map(plugins.map(({ id, name, shortName }) => [id, id.replace(name, shortName)]));
  const nameOf = (id: string): string => names.get(id) ?? id;
  return [
    `Plugins, in the order in which they run (${plugins.length})`,
    ...plugins.map((plugin) => formatPlugin(plugin, nameOf)),
    '',
    'Hooks, with their taps in order',
    ...hooks.map((hook) => formatHook(hook, nameOf, hooks)),
    '',
    'Services',
    ...formatServices(services, nameOf),
  ].join('\n');
}

function formatPlugin(plugin: PluginDescription, nameOf: (id: string) => string): string {
  const { position, shortName, version, description, id, name } = plugin;
  const instance = id === name ? '' : `, ${id}`;
  const head = `${shortName} ${version}${instance}`;
  const title = description === undefined ? head : `${head}: ${description}`;
  const options = plugin.options === undefined ? '' : formatOptions(plugin.options);
  const rows: (readonly [string, string])[] = [
    ['added by', [shortPath(plugin.addedBy), ...plugin.changes].join('; ')],
    ['why here', formatReasons(plugin.reasons, nameOf)],
    ['taps', plugin.taps.join(', ')],
    ['provides', plugin.provides.join(', ')],
    ['writes', plugin.writes.join(', ')],
    ['requires', plugin.requires.join(', ')],
    ['options', options],
  ];
  const indent = INDENT + ' '.repeat(LABEL);
  return [
    `${String(position).padStart(3)}. ${wrap(title, WIDTH - INDENT.length, INDENT)}`,
    ...rows
      .filter(([, text]) => text !== '')
      .map(([label, text]) => INDENT + label.padEnd(LABEL) + wrap(text, WIDTH - indent.length, indent)),
  ].join('\n');
}

/** `trainer > @hookline/preset-default` as `trainer > preset-default`. */
function shortPath(path: string): string {
  return path.replaceAll(/@hookline\/(?=preset-)/g, '');
}

/** `after a (x), b (x, y); before c (z)`: lists each plugin once, with the labels that cause the order. */
function formatReasons(reasons: readonly string[], nameOf: (id: string) => string): string {
  if (reasons.length === 0) return 'as listed';
  const sides = new Map<string, Map<string, string[]>>();
  const others: string[] = [];
  for (const reason of reasons) {
    const [, side, id, label] = /^(before|after) (\S+) \((.+)\)$/.exec(reason) ?? [];
    if (side === undefined || id === undefined || label === undefined) {
      others.push(reason);
      continue;
    }
    const plugins = sides.get(side) ?? new Map<string, string[]>();
    sides.set(side, plugins.set(id, [...(plugins.get(id) ?? []), label]));
  }
  const grouped = [...sides].map(
    ([side, plugins]) =>
      `${side} ${[...plugins].map(([id, labels]) => `${nameOf(id)} (${labels.join(', ')})`).join(', ')}`,
  );
  return [...grouped, ...others].join('; ');
}

function formatOptions(options: unknown): string {
  if (typeof options === 'object' && options !== null && Object.keys(options).length === 0) return '';
  return inspect(options, { depth: 4, breakLength: WIDTH - INDENT.length - LABEL, compact: 3, maxArrayLength: 20 });
}

function formatServices(services: TrainerDescription['services'], nameOf: (id: string) => string): string[] {
  const rows = services.map(({ id, description, providedBy, replacedBy }) => ({
    id,
    by: [providedBy, ...replacedBy].map(nameOf).join(', then '),
    description,
  }));
  const idWidth = Math.max(...rows.map(({ id }) => id.length)) + 2;
  const byWidth = Math.max(...rows.map(({ by }) => by.length)) + 2;
  const indent = ' '.repeat(2 + idWidth + byWidth);
  return rows.map(
    ({ id, by, description }) =>
      `  ${id.padEnd(idWidth)}${by.padEnd(byWidth)}${wrap(description, WIDTH - indent.length, indent)}`,
  );
}

function formatHook(
  { name, kind, taps }: HookDescription,
  nameOf: (id: string) => string,
  all: readonly HookDescription[],
): string {
  const nameWidth = Math.max(...all.map((hook) => hook.name.length)) + 2;
  const kindWidth = Math.max(...all.map((hook) => hook.kind.length)) + 2;
  const indent = ' '.repeat(2 + nameWidth + kindWidth);
  const tapped = taps.length === 0 ? '-' : taps.map(nameOf).join(', ');
  return `  ${name.padEnd(nameWidth)}${kind.padEnd(kindWidth)}${wrap(tapped, WIDTH - indent.length, indent)}`;
}
