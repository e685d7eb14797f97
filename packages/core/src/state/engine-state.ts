import { ENGINE } from '../hooks/guard-tap.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import { namesOf } from '../plugin/plugin-name.ts';
import type { RandomStreams } from '../random/random-streams.ts';
import type { Logger } from '../services/logger.ts';
import type { EventStorage } from '../storage/event-storage.ts';
import { withoutIteration } from '../storage/storage-state.ts';
import { suggestName } from '../suggest-name.ts';
import type { CheckpointView } from './checkpoint-view.ts';
import { loadPluginState, type SavedState, savePluginState, type StatefulPlugin } from './plugin-state.ts';

interface EngineStateParts {
  readonly hooks: EngineHookSet;
  readonly storage: EventStorage;
  readonly random: RandomStreams;
  readonly logger: Logger;
  readonly plugins: readonly StatefulPlugin[];
}

const STORAGE = 'hookline/storage';
const RANDOM = 'hookline/random';
const PLUGINS = 'hookline/plugins';

/** Saves and loads what the engine itself keeps: random streams, event histories and the plugins' states by id. */
export function tapEngineState({ hooks, storage, random, logger, plugins }: EngineStateParts): void {
  const facades = hooks.facades(ENGINE);
  facades.saveState.tap(async (checkpoint) => {
    await storage.resolve();
    const { iteration } = checkpoint;
    checkpoint.set(RANDOM, random.stateAt(iteration) as unknown as JsonValue);
    // A file holds what resuming needs; what is brought back after a failed load must lack nothing.
    const histories = checkpoint.purpose === 'undo' ? storage.state(Infinity) : storage.state();
    // A step that failed is made again after resuming, and puts its scalars again.
    const whole = random.isWithinStep(iteration) ? withoutIteration(histories, iteration) : histories;
    checkpoint.set(STORAGE, whole as unknown as JsonValue);
    const saved = plugins.map((each) => [each.plugin.id, savePluginState(each)] as const);
    checkpoint.set(PLUGINS, Object.fromEntries(saved) as unknown as JsonValue);
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
  const saved = new Map(Object.entries((entry?.data ?? {}) as unknown as Record<string, SavedState>));
  for (const each of plugins) {
    const { id } = each.plugin;
    const found = saved.get(id);
    saved.delete(id);
    if (found === undefined) logger.warn(`${id} starts afresh: ${checkpoint.source} holds no state of it`);
    else loadPluginState(each, found, checkpoint.source);
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
