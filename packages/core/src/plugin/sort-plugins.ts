import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import { STANDARD_LABELS } from './labels.ts';
import { type ArrangedPlugin, namesOf, type Plugin } from './plugin.ts';

/** `from` comes before `to`, because one of them names the other, or a label of it, in `before` or `after`. */
interface Edge {
  readonly from: Plugin;
  readonly to: Plugin;
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
  const open = new Map(items.map((item) => [item.plugin, item]));
  const placed: P[] = [];
  while (open.size > 0) {
    // Taking the first listed plugin that waits for no other makes the sort stable.
    const next = [...open.values()].find(
      ({ plugin }) => !edges.some(({ from, to }) => to === plugin && open.has(from)),
    );
    if (next === undefined) throw cycleError(edges, [...open.keys()]);
    open.delete(next.plugin);
    placed.push(next);
  }
  const say = (word: string, { id }: Plugin, label: string): string =>
    label === id ? `${word} ${id}` : `${word} ${id} (${label})`;
  return placed.map((item) => {
    const reasons = [
      ...edges.filter(({ to }) => to === item.plugin).map(({ from, label }) => say('after', from, label)),
      ...edges.filter(({ from }) => from === item.plugin).map(({ to, label }) => say('before', to, label)),
    ];
    return { ...item, reasons: [...new Set(reasons)] };
  });
}

function collectEdges(plugins: readonly Plugin[]): readonly Edge[] {
  const byName = new Map<string, Set<Plugin>>();
  for (const plugin of plugins) {
    for (const name of [...namesOf(plugin), ...(plugin.definition.provides ?? [])])
      byName.set(name, (byName.get(name) ?? new Set()).add(plugin));
  }
  const resolve = (plugin: Plugin, relation: string, wanted: string): { label: string; others: readonly Plugin[] } => {
    const label = wanted.endsWith('?') ? wanted.slice(0, -1) : wanted;
    const found = byName.get(label);
    if (found !== undefined) return { label, others: [...found].filter((other) => other !== plugin) };
    if (label !== wanted || Object.hasOwn(STANDARD_LABELS, label)) return { label, others: [] };
    throw new HooklineError('HKL_LABEL_UNKNOWN', `${relation}: nobody here is called, or provides, "${wanted}"`, {
      who: plugin.id,
      fix: `Write "${wanted}?" if it may be missing. ${didYouMean(wanted, new Set([...byName.keys(), ...Object.keys(STANDARD_LABELS)]))}`,
    });
  };
  return plugins.flatMap((plugin) => {
    const { before = [], after = [] } = plugin.definition;
    return [
      ...before.flatMap((name) => {
        const { label, others } = resolve(plugin, 'before', name);
        return others.map((to): Edge => ({ from: plugin, to, label }));
      }),
      ...after.flatMap((name) => {
        const { label, others } = resolve(plugin, 'after', name);
        return others.map((from): Edge => ({ from, to: plugin, label }));
      }),
    ];
  });
}

/** @param open the plugins that could not be placed: each of them waits for another one */
function cycleError(edges: readonly Edge[], open: readonly Plugin[]): HooklineError {
  // Walking backwards from any of them must run into a cycle.
  const path: Plugin[] = [];
  let at = open[0];
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = edges.find(({ from, to }) => to === at && open.includes(from))?.from;
  }
  const start = path.findIndex((plugin) => plugin === at);
  const names = [...path.slice(start), ...path.slice(start, start + 1)].reverse().map(({ id }) => id);
  return new HooklineError('HKL_ORDER_CYCLE', `plugins must each come before the other: ${names.join(' -> ')}`, {
    who: names[0],
    fix: 'Remove one of their before or after labels',
  });
}
