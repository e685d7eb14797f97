import type { HookSite } from './hook-site.ts';
import type { HookTable } from './hook-spec.ts';
import { type HookFacade, Phase } from './phase.ts';

/** The hooks of a table for their owner, who may call them. */
export type Phases<T extends HookTable> = { readonly [Name in keyof T]: Phase<T[Name]> };
/** The hooks of a table for a plugin, who may tap them. */
export type HookFacades<T extends HookTable> = { readonly [Name in keyof T]: HookFacade<T[Name]> };

/** The live hooks of one table in one trainer. */
export class HookSet<T extends HookTable = HookTable> {
  readonly id: string;
  readonly phases: Phases<T>;

  constructor(id: string, table: T, site: HookSite) {
    this.id = id;
    const phases: Record<string, Phase> = {};
    for (const [name, spec] of Object.entries(table)) phases[name] = new Phase(name, spec, site);
    this.phases = Object.freeze(phases) as Phases<T>;
  }

  /** The facades through which `plugin` taps. */
  facades(plugin: string): HookFacades<T> {
    const facades: Record<string, HookFacade> = {};
    for (const phase of this.list()) facades[phase.name] = phase.facade(plugin);
    return Object.freeze(facades) as HookFacades<T>;
  }

  /** Drops all taps and allows new ones. */
  open(): void {
    for (const phase of this.list()) phase.open();
  }

  /** Refuses any further tap. */
  seal(): void {
    for (const phase of this.list()) phase.seal();
  }

  /** The hooks in the order of their table. */
  list(): readonly Phase[] {
    return Object.values(this.phases) as Phase[];
  }
}
