import type { JsonValue } from '../json.ts';
import type { LivePlugin, PluginSet } from '../plugin/plugin-set.ts';
import type { StatefulPlugin } from '../state/engine-state.ts';
import { type Disposer, tearDown } from './tear-down.ts';

interface KeptState {
  readonly data: JsonValue;
  readonly version: number;
}

/** The plugins of a trainer while they are set up, and their states while they are not. */
export class LivePlugins {
  #live: LivePlugin[] | undefined;
  readonly #kept = new Map<string, KeptState>();

  /** Whether they are set up. */
  get areUp(): boolean {
    return this.#live !== undefined;
  }

  /** Sets all plugins up, in order, and gives them the states that they had. Those of them that have one are returned. */
  setUp(set: PluginSet): readonly StatefulPlugin[] {
    const live: LivePlugin[] = [];
    // Told one by one, so that those which stand are torn down when a later one fails.
    this.#live = live;
    set.setUp((plugin) => live.push(plugin));
    const plugins = live.flatMap(({ plugin, parts: { state } }) => (state === undefined ? [] : [{ plugin, state }]));
    for (const { plugin, state } of plugins) {
      const kept = this.#kept.get(plugin.id);
      if (kept !== undefined) state.load(kept.data, kept.version);
    }
    return plugins;
  }

  /** Keeps their states and tears them down in reverse order, then `first`. Gives what failed. */
  async tearDown(first: Disposer, timeout: number): Promise<readonly unknown[]> {
    const live = this.#live ?? [];
    this.#live = undefined;
    const errors: unknown[] = [];
    for (const { plugin, parts } of live) {
      try {
        const { state } = parts;
        if (state !== undefined) this.#kept.set(plugin.id, { data: state.save(), version: state.version ?? 1 });
      } catch (error) {
        errors.push(error);
      }
    }
    const disposers = live.map(({ plugin, parts }) => ({ owner: plugin.id, dispose: () => parts.dispose?.() }));
    return [...errors, ...(await tearDown([first, ...disposers], timeout))];
  }
}
