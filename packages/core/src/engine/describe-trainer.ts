import type { ServiceDescription } from '../container/service-container.ts';
import type { HookKind } from '../hooks/hook-spec.ts';
import { shortName } from '../plugin/plugin.ts';
import type { PluginSet } from '../plugin/plugin-set.ts';

/** A plugin as `inspect` shows it. */
export interface PluginDescription {
  readonly id: string;
  readonly name: string;
  readonly shortName: string;
  readonly version: string;
  readonly description: string | undefined;
  /** Position in the order, from 1. */
  readonly position: number;
  /** Why it stands there; empty where only the order of listing counts. */
  readonly reasons: readonly string[];
  readonly addedBy: string;
  readonly changes: readonly string[];
  /** Names of the hooks it taps; those of other plugins as `owner/hook`. */
  readonly taps: readonly string[];
  readonly options: unknown;
  readonly provides: readonly string[];
  /** What it writes that no other plugin may write. */
  readonly writes: readonly string[];
  readonly requires: readonly string[];
}

/** A hook as `inspect` shows it. */
export interface HookDescription {
  readonly name: string;
  readonly kind: HookKind;
  readonly description: string;
  /** Ids of the plugins that tap it, in order; one may tap several times. */
  readonly taps: readonly string[];
}

/** A prepared trainer, as plain data. */
export interface TrainerDescription {
  readonly plugins: readonly PluginDescription[];
  readonly hooks: readonly HookDescription[];
  readonly services: readonly ServiceDescription[];
}

/** Describes a set of plugins that is set up. */
export function describeTrainer(set: PluginSet): TrainerDescription {
  const hooks = set.hookSets.flatMap((hookSet) =>
    hookSet.list().map(({ name, spec, taps }) => ({
      name: hookSet.id === set.engine.id ? name : `${hookSet.id}/${name}`,
      kind: spec.kind,
      description: spec.description,
      taps,
    })),
  );
  const plugins = set.arranged.map(({ plugin, addedBy, changes, reasons, options, writes }, index) => ({
    id: plugin.id,
    name: plugin.name,
    shortName: shortName(plugin.name),
    version: plugin.definition.version,
    description: plugin.definition.description,
    position: index + 1,
    reasons,
    addedBy,
    changes,
    taps: hooks.filter(({ taps }) => taps.includes(plugin.id)).map(({ name }) => name),
    options,
    provides: plugin.definition.provides ?? [],
    writes,
    requires: Object.values(plugin.definition.requires ?? {}).map((requirement) =>
      requirement.kind === 'optional' ? `${requirement.ref.id}?` : requirement.id,
    ),
  }));
  return { plugins, hooks, services: set.container.describe() };
}
