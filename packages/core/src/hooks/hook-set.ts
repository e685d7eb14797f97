import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import type { HookSite } from './hook-site.ts';
import type { HookTable } from './hook-spec.ts';
import { type HookFacade, Hook } from './hook.ts';

/** The hooks of a table, for their owner, who may call them. */
export type OwnHooks<T extends HookTable> = { readonly [Name in keyof T]: Hook<T[Name]> };
/** The hooks of a table, for a plugin, which may tap them. */
export type HookFacades<T extends HookTable> = { readonly [Name in keyof T]: HookFacade<T[Name]> };

/** The live hooks of one table in one trainer. */
export class HookSet<T extends HookTable = HookTable> {
  readonly id: string;
  /** The hooks by name, for their owner, who calls them. */
  readonly byName: OwnHooks<T>;

  constructor(id: string, table: T, site: HookSite) {
    this.id = id;
    const hooks: Record<string, Hook> = {};
    for (const [name, spec] of Object.entries(table)) hooks[name] = new Hook(name, spec, site);
    this.byName = Object.freeze(hooks) as OwnHooks<T>;
  }

  /** The facades through which `plugin` taps. */
  facades(plugin: string): HookFacades<T> {
    const facades: Record<string, HookFacade> = {};
    for (const hook of this.list()) facades[hook.name] = hook.facade(plugin);
    return refusingOthers(this.id, plugin, Object.freeze(facades)) as HookFacades<T>;
  }

  /** Drops all taps and allows new ones. */
  open(): void {
    for (const hook of this.list()) hook.open();
  }

  /** Refuses any further tap. */
  seal(): void {
    for (const hook of this.list()) hook.seal();
  }

  /** The hooks in the order of their table. */
  list(): readonly Hook[] {
    return Object.values(this.byName) as Hook[];
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
