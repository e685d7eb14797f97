import type { Provider } from '../container/provider.ts';
import type { OwnedProvider } from '../container/service-container.ts';
import type { HookSite } from '../hooks/hook-site.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { arrangePlugins, PluginSet } from '../plugin/plugin-set.ts';
import type { PluginEntry } from '../plugin/plugin-entry.ts';

/** What a trainer's plugins and services come from. */
export interface Assembly {
  readonly plugins: readonly PluginEntry[];
  /** Services by whom they are of, as error messages and `inspect` name them. */
  readonly services: Readonly<Record<'core' | 'trainer' | 'you', readonly Provider[]>>;
  readonly hooks: EngineHookSet;
  readonly site: HookSite;
}

/** Sorts the plugins and puts the services into a container. @throws HooklineError for what does not fit */
export function assemblePlugins({ plugins, services, hooks, site }: Assembly): PluginSet {
  const arranged = arrangePlugins(plugins);
  const providers = Object.entries(services).flatMap(([owner, list]): readonly OwnedProvider[] =>
    list.map((provider) => ({ owner, provider })),
  );
  return new PluginSet(arranged, providers, hooks, site);
}
