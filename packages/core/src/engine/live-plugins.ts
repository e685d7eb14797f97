import type { Disposer } from '../container/service-container.ts';
import type { Communicator } from '../services/communicator.ts';
import type { LivePlugin } from '../plugin/plugin.ts';
import type { PluginSet } from '../plugin/plugin-set.ts';
import { planPluginLoad, type SavedState, savePluginState } from '../save-load/plugin-state.ts';
import { tearDown } from './tear-down.ts';

/** The plugins of a trainer while they are set up, and, from one training to the next, their states. */
export class LivePlugins {
  #live: LivePlugin[] | undefined;
  /** The states at the end of the last training, by the plugins' ids. */
  readonly #kept = new Map<string, SavedState>();
  /** Whether the plugins that are set up have been given the states of the last training. */
  #areRestored = false;

  /** Whether they are set up. */
  get areUp(): boolean {
    return this.#live !== undefined;
  }

  /** Whether one of them still has something to do after the last step; false where they are not set up. */
  get haveUnfinished(): boolean {
    return this.#live?.some(({ result }) => result.isUnfinished?.() === true) ?? false;
  }

  /** Sets all plugins up, in order, and restores the states that they had before. */
  setUp(set: PluginSet, { rank }: Pick<Communicator, 'rank'>): readonly LivePlugin[] {
    const live: LivePlugin[] = [];
    // Recorded one by one, so that those which are set up are torn down when a later one fails.
    this.#live = live;
    this.#areRestored = false;
    set.setUp((plugin) => live.push(plugin), rank);
    for (const { plugin, result } of live) {
      const kept = this.#kept.get(plugin.id);
      if (result.state === undefined || kept === undefined) continue;
      const load = planPluginLoad(plugin, result.state, kept, 'the training before');
      load();
    }
    this.#areRestored = true;
    return live;
  }

  /**
   * Saves their states and tears them down in reverse order, then the step runner, which was made before them. Where
   * setting them up has failed, they have not got their states yet, and the states that were saved before stay.
   *
   * @param timeout milliseconds for each of them
   * @returns the errors
   */
  async tearDown(runner: Disposer, timeout: number): Promise<readonly unknown[]> {
    const live = this.#live ?? [];
    this.#live = undefined;
    const errors: unknown[] = [];
    for (const { plugin, result } of this.#areRestored ? live : []) {
      try {
        const { state } = result;
        if (state !== undefined) this.#kept.set(plugin.id, savePluginState(plugin, state));
      } catch (error) {
        errors.push(error);
      }
    }
    const disposers = live.map(({ plugin, result }) => ({ owner: plugin.id, dispose: () => result.dispose?.() }));
    return [...errors, ...(await tearDown([runner, ...disposers], timeout))];
  }
}
