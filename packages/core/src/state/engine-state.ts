import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import type { PluginState } from '../plugin/plugin.ts';
import { namesOf } from '../plugin/plugin-name.ts';
import type { Plugin } from '../plugin/plugin.ts';
import type { RandomStreams } from '../random/random-streams.ts';
import type { Logger } from '../services/logger.ts';
import type { EventStorage } from '../storage/event-storage.ts';
import { suggestName } from '../suggest-name.ts';
import type { CheckpointView } from './checkpoint-view.ts';

/** A plugin that is set up, with the state it returned. */
export interface StatefulPlugin {
  readonly plugin: Plugin;
  readonly state: PluginState;
}

interface EngineStateParts {
  readonly hooks: EngineHookSet;
  readonly storage: EventStorage;
  readonly random: RandomStreams;
  readonly logger: Logger;
  readonly plugins: readonly StatefulPlugin[];
}

const OWNER = 'hookline';
const STORAGE = 'hookline/storage';
const RANDOM = 'hookline/random';
const PLUGINS = 'hookline/plugins';

/** Saves and loads what the engine itself keeps: random streams, event histories and the plugins' states by id. */
export function tapEngineState({ hooks, storage, random, logger, plugins }: EngineStateParts): void {
  const facades = hooks.facades(OWNER);
  facades.saveState.tap(async (checkpoint) => {
    await storage.resolve();
    checkpoint.set(RANDOM, random.state() as unknown as JsonValue);
    checkpoint.set(STORAGE, storage.state() as unknown as JsonValue);
    const saved = plugins.map(({ plugin, state }) => {
      return [
        plugin.id,
        { package: plugin.definition.version, version: state.version ?? 1, data: state.save() },
      ] as const;
    });
    checkpoint.set(PLUGINS, Object.fromEntries(saved));
  });
  facades.loadState.tap((checkpoint) => {
    if (checkpoint.scope === 'weights') return;
    const streams = checkpoint.get(RANDOM);
    if (streams !== undefined) random.restore(streams.data as never);
    const histories = checkpoint.get(STORAGE);
    if (histories !== undefined) storage.restore(histories.data as never);
    loadPlugins(checkpoint, plugins, logger);
  });
}

function loadPlugins(checkpoint: CheckpointView, plugins: readonly StatefulPlugin[], logger: Logger): void {
  const entry = checkpoint.get(PLUGINS);
  const saved = new Map(Object.entries((entry?.data ?? {}) as Record<string, { version: number; data: JsonValue }>));
  for (const { plugin, state } of plugins) {
    const found = saved.get(plugin.id);
    saved.delete(plugin.id);
    if (found === undefined) logger.warn(`${plugin.id} starts afresh: ${checkpoint.source} holds no state of it`);
    else state.load(found.data, found.version);
  }
  for (const id of saved.keys()) {
    const near = suggestName(
      id,
      plugins.flatMap(({ plugin }) => namesOf(plugin)),
    );
    logger.warn(
      `the state of ${id} in ${checkpoint.source} is ignored: no such plugin here${near === undefined ? '' : ` (but ${near} is)`}`,
    );
  }
}
