import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import { STANDARD_LABELS } from './labels.ts';
import type { ArrangedPlugin, Plugin } from './plugin.ts';
import { namesOf } from './plugin-name.ts';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/**
 * Sorts plugins once, topologically: what `before` and `after` ask for holds, and everything else stays in the
 * order of listing.
 *
 * @returns the items, each with the reasons for its place; see {@link ArrangedPlugin.reasons}
 * @throws HooklineError `HKL_LABEL_UNKNOWN`, `HKL_ORDER_CYCLE`
 */
export function sortPlugins<P extends { readonly plugin: Plugin }>(
  items: readonly P[],
): readonly (P & Pick<ArrangedPlugin, 'reasons'>)[] {
  const edges = collectEdges(items.map(({ plugin }) => plugin));
  const incoming = items.map((_, index) => new Set(edges.filter((edge) => edge.to === index).map((edge) => edge.from)));
  const placed: number[] = [];
  const open = new Set(items.keys());
  while (open.size > 0) {
    // The first listed plugin that waits for nothing: stable by construction.
    const next = [...open].find((index) => [...(incoming[index] ?? [])].every((from) => !open.has(from)));
    if (next === undefined) throw cycleError(items, edges, open);
    open.delete(next);
    placed.push(next);
  }
  const idOf = (index: number): string => items[index]?.plugin.id ?? '';
  const say = (word: string, other: string, label: string): string =>
    label === other ? `${word} ${other}` : `${word} ${other} (${label})`;
  return placed.flatMap((index) => {
    const item = items[index];
    if (item === undefined) return [];
    const reasons = [
      ...edges.filter((edge) => edge.to === index).map((edge) => say('after', idOf(edge.from), edge.label)),
      ...edges.filter((edge) => edge.from === index).map((edge) => say('before', idOf(edge.to), edge.label)),
    ];
    return [{ ...item, reasons: [...new Set(reasons)] }];
  });
}

function collectEdges(plugins: readonly Plugin[]): readonly Edge[] {
  const byName = new Map<string, Set<number>>();
  const add = (name: string, index: number): void => {
    byName.set(name, (byName.get(name) ?? new Set()).add(index));
  };
  plugins.forEach((plugin, index) => {
    for (const name of [...namesOf(plugin), ...(plugin.definition.provides ?? [])]) add(name, index);
  });
  const resolve = (plugin: Plugin, relation: string, wanted: string): Iterable<number> => {
    const label = wanted.endsWith('?') ? wanted.slice(0, -1) : wanted;
    const found = byName.get(label);
    if (found !== undefined) return found;
    if (label !== wanted || Object.hasOwn(STANDARD_LABELS, label)) return [];
    throw new HooklineError('HKL_LABEL_UNKNOWN', `${relation}: nobody here is called, or provides, "${wanted}"`, {
      who: plugin.id,
      fix: `Write "${wanted}?" if it may be missing. ${didYouMean(wanted, new Set([...byName.keys(), ...Object.keys(STANDARD_LABELS)]))}`,
    });
  };
  return plugins.flatMap((plugin, index) => {
    const { before = [], after = [] } = plugin.definition;
    const strip = (label: string): string => label.replace(/\?$/, '');
    return [
      ...before.flatMap((name) =>
        [...resolve(plugin, 'before', name)].map((to) => ({ from: index, to, label: strip(name) })),
      ),
      ...after.flatMap((name) =>
        [...resolve(plugin, 'after', name)].map((from) => ({ from, to: index, label: strip(name) })),
      ),
    ].filter(({ from, to }) => from !== to);
  });
}

function cycleError(
  items: readonly { plugin: Plugin }[],
  edges: readonly Edge[],
  open: ReadonlySet<number>,
): HooklineError {
  // Every open plugin waits for an open one, so walking backwards must meet itself.
  const path: number[] = [];
  let at: number | undefined = [...open][0];
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = edges.find((edge) => edge.to === at && open.has(edge.from))?.from;
  }
  const cycle = [...path.slice(path.indexOf(at ?? -1)), at ?? -1].reverse();
  const names = cycle.map((index) => items[index]?.plugin.id ?? '?');
  return new HooklineError('HKL_ORDER_CYCLE', `plugins must each come before the other: ${names.join(' -> ')}`, {
    who: names[0],
    fix: 'Remove one of their before or after labels',
  });
}
