import type { WeightLayout, WeightTable } from '../model/weight-table.ts';

/** Which tensor of a file goes into a variable, and how. */
export interface Match {
  /** Its name in the file. */
  readonly name: string;
  readonly layout: WeightLayout;
}

/** Which tensors of a file go into the variables of a model. */
export interface Matches {
  /** By the name of our variable. */
  readonly pairs: ReadonlyMap<string, Match>;
  /** The variables that a file for this model has. */
  readonly expected: readonly string[];
  /** The tensors of the file that are about this model, without those that nobody needs. */
  readonly offered: readonly string[];
  /** Layers that do not fit as a whole, in words. */
  readonly misfits?: readonly string[];
  /** Whether a file may hold more than this model, or less, since its names leave no doubt what is what. */
  readonly isCertain: boolean;
}

/** Counters of batches, which PyTorch's batch norm saves and nothing of ours has. */
const NEEDLESS = /(?:^|\.)num_batches_tracked$/;

/**
 * Matches by names: ours where the file has them, and otherwise those of the model's table, which may stand after a prefix in
 * the file, such as `module.` or `backbone.body.`.
 */
export function matchNames(variables: readonly string[], names: readonly string[], table: WeightTable): Matches {
  const known = new Set(names);
  const prefix = findPrefix(table, known);
  const pairs = new Map<string, Match>();
  const ours: string[] = [];
  for (const variable of variables) {
    const entry = Object.hasOwn(table, variable) ? table[variable] : undefined;
    const foreign = entry && [entry.name, ...(entry.aliases ?? [])];
    if (known.has(variable) && foreign?.includes(variable) !== true) {
      pairs.set(variable, { name: variable, layout: 'same' });
      ours.push(variable);
    } else if (entry !== undefined && foreign !== undefined) {
      // What follows the backbone in a file, such as its classifier, may stand outside of its prefix.
      const name = [...foreign.map((each) => prefix + each), ...foreign].find((each) => known.has(each));
      if (name !== undefined) pairs.set(variable, { name, layout: entry.layout });
    }
  }
  const isCertain = ours.length * 2 >= pairs.size;
  const named = variables.filter((variable) => Object.hasOwn(table, variable) || pairs.has(variable));
  const used = new Set([...pairs.values()].map(({ name }) => name));
  return {
    pairs,
    expected: isCertain ? variables : named,
    offered: names.filter((name) => !NEEDLESS.test(name) && (used.has(name) || name.startsWith(prefix))),
    isCertain,
  };
}

/** What stands before the names of a table in a file: that with which most of them are found, the shortest of several. */
function findPrefix(table: WeightTable, names: ReadonlySet<string>): string {
  const foreign = new Set(Object.values(table).flatMap(({ name, aliases = [] }) => [name, ...aliases]));
  const counts = new Map<string, number>([['', 0]]);
  for (const name of names) {
    const starts = [0, ...[...name.matchAll(/\./g)].map(({ index }) => index + 1)];
    for (const start of starts) {
      const prefix = name.slice(0, start);
      if (foreign.has(name.slice(start))) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  return [...counts].sort(([one, n], [other, m]) => m - n || one.length - other.length)[0]?.[0] ?? '';
}
