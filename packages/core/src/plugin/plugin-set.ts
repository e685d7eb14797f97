import { type OwnedProvider, ServiceContainer } from '../container/service-container.ts';
import type { AnyServiceRef, HooksToken, OptionalRef, Requirement } from '../container/service-ref.ts';
import { weakHandle } from '../container/weak-handle.ts';
import { HooklineError } from '../errors.ts';
import { type HookFacades, HookSet } from '../hooks/hook-set.ts';
import type { HookSite } from '../hooks/hook-site.ts';
import type { EngineHooks, EngineHookSet } from '../hooks/hook-table.ts';
import { didYouMean } from '../suggest-name.ts';
import { checkCoreVersion } from './check-core-version.ts';
import { checkParts } from './check-parts.ts';
import type { PluginEntry } from './plugin-entry.ts';
import type { PluginParts } from './plugin.ts';
import { type Placed, sortPlugins } from './sort-plugins.ts';
import { validateOptions } from './validate-options.ts';
import { assertWrittenOnce, writesOf } from './writes.ts';

/** A plugin in its place, with its checked options. */
export interface ArrangedPlugin extends PluginEntry {
  readonly reasons: readonly string[];
  readonly options: unknown;
  /** What it writes that no other plugin may write. */
  readonly writes: readonly string[];
}

/** What setup of one plugin gave. */
export interface LivePlugin extends ArrangedPlugin {
  readonly parts: PluginParts;
}

/**
 * Checks and sorts plugins: options, versions, order, what they write. Everything that can be known before anything is made.
 *
 * @throws HooklineError for the first plugin that does not fit
 */
export function arrangePlugins(entries: readonly PluginEntry[]): readonly ArrangedPlugin[] {
  const placed: readonly Placed<PluginEntry>[] = sortPlugins(entries);
  const arranged = placed.map(({ item, reasons }) => {
    checkCoreVersion(item.plugin);
    const options = validateOptions(item.plugin);
    return { ...item, reasons, options, writes: writesOf(item.plugin, options) };
  });
  assertWrittenOnce(arranged);
  return arranged;
}

/** What a plugin that some ranks lack must not change: they would compute something else than the others. */
const INSIDE_OF_STEPS = ['batch', 'losses', 'gradients', 'update', 'afterUpdate', 'stepFailed'] as const;

/** The facades of a plugin that is set up on the first rank alone. */
function outsideOfSteps(who: string, facades: HookFacades<EngineHooks>): HookFacades<EngineHooks> {
  const refused = INSIDE_OF_STEPS.map((hook) => {
    const tap = (): never => {
      throw new HooklineError(
        'HKL_HOOK_ON_ONE_RANK',
        'it is set up on the first rank alone and taps what all must do',
        {
          who,
          where: `hook ${hook}`,
          fix: "Leave out ranks: 'first' from its definition, so that it is set up on all ranks",
        },
      );
    };
    return [hook, { tap }] as const;
  });
  const taps = new Map<unknown, unknown>(refused);
  // Of an empty object, since a proxy of a frozen one may not answer otherwise than that.
  return new Proxy({} as HookFacades<EngineHooks>, {
    get: (_, name) => taps.get(name) ?? (Reflect.get(facades, name) as unknown),
  });
}

/** The plugins of one trainer, with the hooks and services they share. */
export class PluginSet {
  readonly arranged: readonly ArrangedPlugin[];
  readonly container: ServiceContainer;
  readonly engine: EngineHookSet;
  readonly #own: ReadonlyMap<string, { readonly owner: string; readonly set: HookSet }>;

  constructor(
    arranged: readonly ArrangedPlugin[],
    providers: readonly OwnedProvider[],
    engine: EngineHookSet,
    site: HookSite,
  ) {
    this.arranged = arranged;
    this.engine = engine;
    const own = new Map<string, { owner: string; set: HookSet }>();
    for (const { plugin } of arranged) {
      const token = plugin.definition.hooks;
      if (token === undefined) continue;
      const other = own.get(token.id);
      if (other !== undefined) {
        throw new HooklineError('HKL_HOOKS_DUPLICATE', `the hooks "${token.id}" are already owned by ${other.owner}`, {
          who: plugin.id,
          fix: 'Give each set of hooks its own id; by convention the name of the package',
        });
      }
      own.set(token.id, { owner: plugin.id, set: new HookSet(token.id, token.table, site) });
    }
    this.#own = own;
    const fromPlugins = arranged.flatMap(({ plugin, options }) =>
      (plugin.definition.services?.(options) ?? []).map((provider) => ({ owner: plugin.id, provider })),
    );
    this.container = new ServiceContainer([...providers, ...fromPlugins]);
  }

  /** All hooks, the engine's first. */
  get hookSets(): readonly HookSet[] {
    return [this.engine, ...[...this.#own.values()].map(({ set }) => set)];
  }

  /** Makes every service that a plugin requires; async ones are awaited. */
  async startServices(): Promise<void> {
    for (const { plugin } of this.arranged) {
      for (const requirement of Object.values(plugin.definition.requires ?? {})) {
        const ref = requirement.kind === 'optional' ? requirement.ref : requirement;
        if (ref.kind === 'hooks' || (requirement.kind === 'optional' && !this.container.has(ref))) continue;
        await this.container.start(ref, plugin.id);
      }
    }
  }

  /** Opens the hooks anew, without taps. */
  open(): void {
    for (const hookSet of this.hookSets) hookSet.open();
  }

  /** Lets every plugin of this rank tap the hooks, in order. `onLive` is told of each as soon as it stands. */
  setUp(onLive: (plugin: LivePlugin) => void, rank = 0): void {
    for (const arranged of this.arranged) {
      if (rank > 0 && arranged.plugin.definition.ranks === 'first') continue;
      onLive({ ...arranged, parts: this.#setUpOne(arranged) });
    }
  }

  /** Refuses any further tap. */
  seal(): void {
    for (const hookSet of this.hookSets) hookSet.seal();
  }

  #setUpOne({ plugin, options }: ArrangedPlugin): PluginParts {
    const { definition, id, name, instance } = plugin;
    const context: Record<string, unknown> = {
      hooks: definition.ranks === 'first' ? outsideOfSteps(id, this.engine.facades(id)) : this.engine.facades(id),
      own: definition.hooks === undefined ? Object.freeze({}) : this.#own.get(definition.hooks.id)?.set.phases,
      plugin: Object.freeze({ id, name, instance }),
    };
    for (const [key, requirement] of Object.entries(definition.requires ?? {}))
      context[key] = this.#inject(id, requirement);
    let parts: unknown;
    try {
      parts = definition.setup(context as never, options);
    } catch (cause) {
      if (cause instanceof HooklineError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new HooklineError('HKL_SETUP_FAILED', `its setup failed: ${reason}`, {
        who: id,
        where: 'setup',
        fix: 'The cause below holds the original stack',
        cause,
      });
    }
    if (parts instanceof Promise) {
      // Nobody awaits it; its rejection would end the process with a second message.
      parts.catch(() => undefined);
      throw new HooklineError('HKL_SETUP_ASYNC', 'its setup is async', {
        who: id,
        where: 'setup',
        fix: 'Tap in setup and open things in beforeTrain',
      });
    }
    return checkParts(id, parts);
  }

  #inject(plugin: string, requirement: Requirement): unknown {
    if (requirement.kind === 'optional') return this.#injectOptional(plugin, requirement);
    return requirement.kind === 'hooks'
      ? this.#injectHooks(plugin, requirement)
      : this.#injectService(plugin, requirement);
  }

  #injectOptional(plugin: string, { ref }: OptionalRef): unknown {
    if (ref.kind === 'hooks') return this.#own.get(ref.id)?.set.facades(plugin);
    return this.container.has(ref) ? this.#injectService(plugin, ref) : undefined;
  }

  #injectHooks(plugin: string, token: HooksToken): unknown {
    const found = this.#own.get(token.id);
    if (found !== undefined) return found.set.facades(plugin);
    throw new HooklineError('HKL_HOOKS_MISSING', `no plugin here owns the hooks "${token.id}" that it requires`, {
      who: plugin,
      fix: `Add the plugin that does. ${didYouMean(token.id, this.#own.keys())}`,
    });
  }

  #injectService(plugin: string, ref: AnyServiceRef): unknown {
    const service = this.container.get(ref, plugin);
    if (service === this.engine) {
      throw new HooklineError('HKL_SERVICE_INTERNAL', `the service "${ref.id}" is not for plugins`, {
        who: plugin,
        where: 'setup',
        fix: 'Tap the hooks that setup is given. What calls them, such as a step runner, asks for it in its factory: provide(ref, create, { phases: phasesRef })',
      });
    }
    if (ref.scope === 'weak') return weakHandle(plugin, ref.id, service as object);
    return ref.scope === 'plugin' ? (service as (plugin: string) => unknown)(plugin) : service;
  }
}
