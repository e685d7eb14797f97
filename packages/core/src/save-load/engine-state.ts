import { ENGINE } from '../hooks/wrap-tap.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import type { PluginState } from '../plugin/define-state.ts';
import { type ArrangedPlugin, identityOf, type LivePlugin, type Plugin, shortId } from '../plugin/plugin.ts';
import { describeCause, HooklineError, isHooklineError } from '../errors.ts';
import { checkedStreams, type RandomStreams } from '../random/random-streams.ts';
import type { EpochClock } from '../services/epochs.ts';
import type { Logger } from '../services/logger.ts';
import type { EventStorage } from '../events/event-storage.ts';
import { checkedHistories, withoutIteration } from '../events/storage-state.ts';
import type { CheckpointView } from '../checkpoint/checkpoint.ts';
import {
  planPluginLoad,
  invalidState,
  PLUGINS_ENTRY,
  type SavedState,
  savedStates,
  savePluginState,
} from './plugin-state.ts';
import { describeRun, type RunSettings, savedEpochs, logDifferences } from './run-settings.ts';

/** The engine's own state, which it saves and loads. */
export interface EngineState {
  readonly hooks: EngineHookSet;
  readonly storage: EventStorage;
  readonly random: RandomStreams;
  readonly logger: Logger;
  /** The seed of the options; undefined where none was given. */
  readonly seed: number | undefined;
  readonly run: { readonly maxIterations: number; readonly epochs: EpochClock };
  readonly arranged: readonly ArrangedPlugin[];
}

/** Key of the entry that holds the event histories. */
export const STORAGE = 'hookline/storage';
const RANDOM = 'hookline/random';
/** Key of the entry that holds the options of the run. */
export const RUN = 'hookline/run';

/**
 * Taps the hooks that save and load the engine's own state: random streams, event histories and the plugins' states by
 * id. Call it before any plugin taps the hooks, and call the function that it returns once all plugins have.
 */
export function tapEngineState(engine: EngineState): (plugins: readonly LivePlugin[]) => void {
  const { hooks, storage, random, logger, seed, run, arranged } = engine;
  const facades = hooks.facades(ENGINE);
  let plugins: readonly LivePlugin[] = [];
  let loads: readonly (() => void)[] = [];
  // This check precedes the plugins' own taps, so that the error for a missing plugin names the plugin and not one of
  // its tensors.
  facades.loadState.tap((checkpoint) => {
    if (checkpoint.scope === 'weights') return;
    const { source } = checkpoint;
    const streams = required(checkpoint, RANDOM, 'random', checkedStreams);
    const histories = required(checkpoint, STORAGE, 'storage', checkedHistories);
    const states = required(checkpoint, PLUGINS_ENTRY, 'plugins', (data) => savedStates(data, source));
    const elsewhere = arranged.filter(({ plugin: { definition } }) => definition.ranks === 'first');
    loads = checkPlugins(
      checkpoint,
      { plugins, elsewhere: new Set(elsewhere.map(({ plugin }) => plugin.id)) },
      states,
      logger,
    );
    const settings = checkpoint.get(RUN);
    const asked = { seed, saved: streams.seed };
    checkpoint.apply(() => {
      random.restore(streams);
      storage.restore(histories);
      const epochs = savedEpochs(settings?.data);
      if (epochs !== undefined) run.epochs.restore(epochs, checkpoint.iteration);
      // Predicting and evaluating do not depend on how long a run is, nor on its seed.
      if (checkpoint.scope === 'all') logDifferences(settings?.data, settingsOf(engine), asked, source, logger);
    });
  });
  return (live) => {
    plugins = live;
    facades.saveState.tap(async (checkpoint) => {
      await readScalars(storage, logger);
      const { iteration } = checkpoint;
      checkpoint.set(RANDOM, random.stateAt(iteration) as unknown as JsonValue);
      // A file holds what resuming needs; the state that a failed load restores must be complete.
      const histories = checkpoint.purpose === 'undo' ? storage.state(Infinity) : storage.state();
      // A step that failed is repeated after resuming, and then puts its scalars again.
      const whole = random.isWithinStep(iteration) ? withoutIteration(histories, iteration) : histories;
      checkpoint.set(STORAGE, whole as unknown as JsonValue);
      checkpoint.set(RUN, describeRun(settingsOf(engine)));
      const saved = plugins.flatMap(({ plugin, result: { state } }) =>
        state === undefined ? [] : [[plugin.id, savePluginState(plugin, state)] as const],
      );
      checkpoint.set(PLUGINS_ENTRY, Object.fromEntries(saved) as unknown as JsonValue);
    });
    facades.loadState.tap((checkpoint) => {
      if (checkpoint.scope === 'weights') return;
      for (const load of loads) checkpoint.apply(load);
      loads = [];
    });
  };
}

const settingsOf = ({ run, arranged }: EngineState): RunSettings => ({
  maxIterations: run.maxIterations,
  epochs: run.epochs.state(),
  plugins: arranged,
});

/** Reads the pending scalars. A warning tells of a value that cannot be read; the checkpoint is saved without it. */
async function readScalars(storage: EventStorage, logger: Logger): Promise<void> {
  try {
    await storage.resolve();
  } catch (error) {
    if (!isHooklineError(error, 'HKL_SCALAR_UNREADABLE')) throw error;
    const { cause } = error;
    const failures = cause instanceof AggregateError ? (cause.errors as readonly HooklineError[]) : [error];
    for (const failure of failures)
      logger.warn(
        `${failure.who ?? 'a scalar'}: the checkpoint is saved without the value ${failure.where ?? ''}, which cannot be read: ${describeCause(failure.cause)}`,
      );
  }
}

/** The data of an entry that every checkpoint has. @throws HooklineError `HKL_STATE_MISSING`, `HKL_STATE_INVALID` */
function required<T>(checkpoint: CheckpointView, key: string, who: string, check: (data: JsonValue) => T): T {
  const { source } = checkpoint;
  const entry = checkpoint.get(key);
  if (entry === undefined) throw missingEntry(key, who, source);
  const origin = { who, entry: key, source };
  if (entry.version !== 1) throw invalidState(`field "version" is ${entry.version}, and 1 is known`, origin);
  try {
    return check(entry.data);
  } catch (cause) {
    if (cause instanceof HooklineError && cause.code === 'HKL_STATE_INVALID') throw cause;
    throw invalidState(describeCause(cause), origin, cause);
  }
}

/** The error for a checkpoint that lacks an entry which every checkpoint of this kind of trainer has. */
export function missingEntry(key: string, who: string, source: string): HooklineError {
  return new HooklineError('HKL_STATE_MISSING', `${source} holds no state of it`, {
    who,
    where: `entry ${key}`,
    fix: "Resume from a checkpoint of the same kind of trainer, or begin anew from the weights alone: load(file, 'weights')",
  });
}

function checkPlugins(
  checkpoint: CheckpointView,
  { plugins, elsewhere }: { readonly plugins: readonly LivePlugin[]; readonly elsewhere: ReadonlySet<string> },
  states: ReadonlyMap<string, SavedState>,
  logger: Logger,
): readonly (() => void)[] {
  const { source, scope } = checkpoint;
  const left = new Map(states);
  const loads: (() => void)[] = [];
  const missing: string[] = [];
  for (const { plugin, result } of plugins) {
    const { id } = plugin;
    const { state } = result;
    if (state === undefined) continue;
    const allowed = checkpoint.allowsMismatch(id);
    const saved = left.get(id);
    left.delete(id);
    if (saved !== undefined) {
      loads.push(
        allowed ? fittingOrFresh(plugin, state, saved, source, logger) : planPluginLoad(plugin, state, saved, source),
      );
    } else if (state.optional === true || allowed) {
      if (scope === 'all' || allowed) logger.warn(`${id} starts afresh: ${source} holds no state of it`);
      loads.push(() => state.reset?.());
    } else missing.push(id);
  }
  const surplus: string[] = [];
  for (const [id, { optional }] of left) {
    const isAllowed = checkpoint.allowsMismatch(id);
    // The plugin is set up on the first rank only, and this is another one.
    if (elsewhere.has(id)) continue;
    if (!isAllowed && optional !== true) surplus.push(id);
    else if (scope === 'all' || isAllowed)
      logger.warn(`the state of ${id} in ${source} is ignored: no such plugin here`);
  }
  if (missing.length + surplus.length > 0) throw mismatch(missing, surplus, checkpoint);
  return loads;
}

/** The load of a state that may be unfitting: the plugin starts afresh where it is. */
function fittingOrFresh(
  plugin: Plugin,
  state: PluginState,
  saved: SavedState,
  source: string,
  logger: Logger,
): () => void {
  try {
    return planPluginLoad(plugin, state, saved, source);
  } catch (error) {
    logger.warn(`${plugin.id} starts afresh: ${describeCause(error)}`);
    return () => state.reset?.();
  }
}

function mismatch(
  missing: readonly string[],
  surplus: readonly string[],
  { source, scope }: CheckpointView,
): HooklineError {
  const list = (ids: readonly string[]): string => ids.join(', ');
  const what = [
    ...(missing.length === 0 ? [] : [`it holds no state of ${list(missing)}`]),
    ...(surplus.length === 0 ? [] : [`it holds state of ${list(surplus)}, and this trainer has nothing that takes it`]),
  ];
  const names = [...missing, ...surplus].map((id) => shortId(identityOf(id)));
  const ways = [
    ...(missing.length === 0 ? [] : ['to add what is missing with a fresh state']),
    ...(surplus.length === 0 ? [] : ['to drop what is left over']),
  ].join(' and ');
  return new HooklineError(missing.length === 0 ? 'HKL_STATE_LEFT_OVER' : 'HKL_STATE_MISSING', what.join('; '), {
    who: source,
    where: `entry ${PLUGINS_ENTRY}`,
    fix: `${scope === 'inference' ? 'Give the same plugins and --set options as for its training' : 'Resume with the plugins of that run'}, or, ${ways}, with --allow-mismatch ${names.join(',')} (in code: allowMismatch: [${names.map((name) => `'${name}'`).join(', ')}])`,
  });
}
