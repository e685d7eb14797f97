import type { Provider } from '../container/provider.ts';
import { ServiceContainer } from '../container/service-container.ts';
import {
  type AnyServiceRef,
  type HooksToken,
  type OptionalRef,
  type Requirement,
  weakHandle,
} from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { HookSet } from '../hooks/hook-set.ts';
import type { HookSite } from '../hooks/hook-site.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { didYouMean } from '../suggest-name.ts';
import { arrangePlugins } from './arrange-plugins.ts';
import type { ArrangedPlugin, LivePlugin, PluginEntry, SetupResult } from './plugin.ts';
import { setUpPlugin } from './set-up-plugin.ts';

/** What a trainer's plugins, hooks and services come from. */
export interface PluginSetOptions {
  readonly plugins: readonly PluginEntry[];
  /** Services by whom they are of, as error messages and `inspect` name them. */
  readonly services: Readonly<Record<'core' | 'trainer' | 'you', readonly Provider[]>>;
  /** The engine's hooks. */
  readonly hooks: EngineHookSet;
  readonly site: HookSite;
}

/** The plugins of one trainer, with the hooks and services they share. */
export class PluginSet {
  readonly arranged: readonly ArrangedPlugin[];
  readonly container: ServiceContainer;
  readonly engine: EngineHookSet;
  readonly #own: ReadonlyMap<string, { readonly owner: string; readonly set: HookSet }>;

  /** Checks and sorts the plugins and puts all services into a container. @throws HooklineError for what does not fit */
  constructor({ plugins, services, hooks, site }: PluginSetOptions) {
    const arranged = arrangePlugins(plugins);
    this.arranged = arranged;
    this.engine = hooks;
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
    const providers = Object.entries(services).map(([owner, list]) => ({ owner, list }));
    for (const { plugin, options } of arranged)
      providers.push({ owner: plugin.id, list: plugin.definition.services?.(options) ?? [] });
    this.container = new ServiceContainer(
      providers.flatMap(({ owner, list }) => list.map((provider) => ({ owner, provider }))),
    );
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

  /** Drops all taps and allows new ones. */
  open(): void {
    for (const hookSet of this.hookSets) hookSet.open();
  }

  /** Sets up every plugin of this rank, in order. `onLive` is called with each plugin as soon as it is set up. */
  setUp(onLive: (plugin: LivePlugin) => void, rank = 0): void {
    for (const arranged of this.arranged) {
      if (rank > 0 && arranged.plugin.definition.ranks === 'first') continue;
      onLive({ ...arranged, result: this.#setUpOne(arranged) });
    }
  }

  /** Refuses any further tap. */
  seal(): void {
    for (const hookSet of this.hookSets) hookSet.seal();
  }

  #setUpOne(arranged: ArrangedPlugin): SetupResult {
    const { id, definition } = arranged.plugin;
    const required = Object.entries(definition.requires ?? {}).map(([key, each]) => [key, this.#inject(id, each)]);
    return setUpPlugin(arranged, {
      hooks: this.engine.facades(id),
      own: (definition.hooks && this.#own.get(definition.hooks.id)?.set.byName) ?? Object.freeze({}),
      required: Object.fromEntries(required) as Record<string, unknown>,
    });
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
        fix: 'Tap the hooks that setup is given. What calls them, such as a step runner, asks for it in its factory: provide(ref, create, { hooks: engineHooksRef })',
      });
    }
    if (ref.scope === 'weak') return weakHandle(plugin, ref.id, service as object);
    return ref.scope === 'plugin' ? (service as (plugin: string) => unknown)(plugin) : service;
  }
}
