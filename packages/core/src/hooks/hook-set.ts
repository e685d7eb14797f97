import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import type { HookSite } from './hook-site.ts';
import type { HookTable } from './hook-spec.ts';
import { type HookFacade, Phase } from './phase.ts';

/** The hooks of a table, for their owner, who may call them. */
export type Phases<T extends HookTable> = { readonly [Name in keyof T]: Phase<T[Name]> };
/** The hooks of a table, for a plugin, which may tap them. */
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
    return refusingOthers(this.id, plugin, Object.freeze(facades)) as HookFacades<T>;
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

/**
 * The facades; reading a name that is no hook is an error in place of `undefined`. They are used in setup only, so that
 * the proxy costs no time in training.
 */
function refusingOthers(id: string, plugin: string, facades: Readonly<Record<string, HookFacade>>): object {
  return new Proxy(facades, {
    get(target, name) {
      // JavaScript reads these when the object is awaited or printed.
      if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON') {
        return Reflect.get(target, name) as unknown;
      }
      throw new HooklineError('HKL_HOOK_UNKNOWN', `"${id}" has no hook "${name}"`, {
        who: plugin,
        where: 'setup',
        fix: didYouMean(name, Object.keys(target)),
      });
    },
  });
}
