import type { WeightLayout, WeightTable } from '../model/weight-table.ts';

/** The tensor of a file that is loaded into a variable. */
export interface Match {
  /** The tensor's name in the file. */
  readonly name: string;
  readonly layout: WeightLayout;
}

/** The tensors of a file that are loaded into the variables of a model. */
export interface Matches {
  /** The matches, by the names of the model's variables. */
  readonly pairs: ReadonlyMap<string, Match>;
  /** The variables that a file for this model should contain. */
  readonly expected: readonly string[];
  /** The tensors of the file that belong to this model, without those that no model needs. */
  readonly offered: readonly string[];
  /** Descriptions of layers that do not fit as a whole. */
  readonly misfits?: readonly string[];
  /** Whether the names identify the tensors for sure, so the file may hold more or less than this model. */
  readonly isCertain: boolean;
}

/** The batch counters that PyTorch's batch norm saves and Hookline's models do not have. */
const NEEDLESS = /(?:^|\.)num_batches_tracked$/;

/**
 * Matches variables with tensors by name: by our own name where the file has it, otherwise by the name in the model's weight
 * table, which may have a prefix in the file, such as `module.` or `backbone.body.`.
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
      // Layers after a backbone, such as a classifier, may lack the backbone's prefix.
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

/** Finds the prefix with which the file has the most names of the table; of several, the shortest. */
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
