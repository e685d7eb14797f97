import { ENGINE } from '../hooks/guard-tap.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import type { ArrangedPlugin, LivePlugin, Plugin, PluginState } from '../plugin/plugin.ts';
import { describeCause, HooklineError } from '../errors.ts';
import { shortName } from '../plugin/plugin-name.ts';
import { checkedPositions, type RandomStreams } from '../random/random-streams.ts';
import type { EpochClock } from '../services/epochs.ts';
import type { Logger } from '../services/logger.ts';
import type { EventStorage } from '../events/event-storage.ts';
import { checkedScalars, withoutIteration } from '../events/storage-state.ts';
import type { CheckpointView } from '../checkpoint/checkpoint.ts';
import { invalidState } from './check-state.ts';
import { checkPluginState, PLUGINS_ENTRY, type SavedState, savedStates, savePluginState } from './plugin-state.ts';
import { describeRun, type RunSettings, savedEpochs, tellDifferences } from './run-settings.ts';

/** What the engine saves and loads by itself. */
export interface EngineStateParts {
  readonly hooks: EngineHookSet;
  readonly storage: EventStorage;
  readonly random: RandomStreams;
  readonly logger: Logger;
  /** The seed that was asked for; undefined where none was. */
  readonly seed: number | undefined;
  readonly run: { readonly maxIterations: number; readonly epochs: EpochClock };
  readonly arranged: readonly ArrangedPlugin[];
}

/** Key of the entry that holds the event histories. */
export const STORAGE = 'hookline/storage';
const RANDOM = 'hookline/random';
/** Key of the entry that says with which options was trained. */
export const RUN = 'hookline/run';

/**
 * Saves and loads what the engine itself keeps: random streams, event histories and the plugins' states by id. Call it
 * once the hooks are open and no plugin has tapped them, and what it returns once all have.
 */
export function tapEngineState(parts: EngineStateParts): (plugins: readonly LivePlugin[]) => void {
  const { hooks, storage, random, logger, seed, run, arranged } = parts;
  const facades = hooks.facades(ENGINE);
  let plugins: readonly LivePlugin[] = [];
  let loads: readonly (() => void)[] = [];
  // Checked before the plugins' own taps, so that a plugin that is missing is named and not one of its tensors.
  facades.loadState.tap((checkpoint) => {
    if (checkpoint.scope === 'weights') return;
    const { source } = checkpoint;
    const streams = required(checkpoint, RANDOM, 'random', (data) => {
      checkedPositions(data as never);
      return data;
    });
    const histories = required(checkpoint, STORAGE, 'storage', (data) => {
      checkedScalars(data as never);
      return data;
    });
    const states = required(checkpoint, PLUGINS_ENTRY, 'plugins', (data) => savedStates(data, source));
    const elsewhere = arranged.filter(({ plugin: { definition } }) => definition.ranks === 'first');
    loads = checkPlugins(
      checkpoint,
      { plugins, elsewhere: new Set(elsewhere.map(({ plugin }) => plugin.id)) },
      states,
      logger,
    );
    const settings = checkpoint.get(RUN);
    const asked = { seed, saved: (streams as { seed: number }).seed };
    checkpoint.apply(() => {
      random.restore(streams as never);
      storage.restore(histories as never);
      const epochs = savedEpochs(settings?.data);
      if (epochs !== undefined) run.epochs.restore(epochs, checkpoint.iteration);
      tellDifferences(settings?.data, settingsOf(parts), asked, source, logger);
    });
  });
  return (live) => {
    plugins = live;
    facades.saveState.tap(async (checkpoint) => {
      await readScalars(storage, logger);
      const { iteration } = checkpoint;
      checkpoint.set(RANDOM, random.stateAt(iteration) as unknown as JsonValue);
      // A file holds what resuming needs; what is brought back after a failed load must lack nothing.
      const histories = checkpoint.purpose === 'undo' ? storage.state(Infinity) : storage.state();
      // A step that failed is made again after resuming, and puts its scalars again.
      const whole = random.isWithinStep(iteration) ? withoutIteration(histories, iteration) : histories;
      checkpoint.set(STORAGE, whole as unknown as JsonValue);
      checkpoint.set(RUN, describeRun(settingsOf(parts)));
      const saved = plugins.flatMap(({ plugin, parts: { state } }) =>
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

const settingsOf = ({ run, arranged }: EngineStateParts): RunSettings => ({
  maxIterations: run.maxIterations,
  epochs: run.epochs.state(),
  plugins: arranged,
});

/** Reads the scalars that are pending. One that cannot be read is lost, which is told; the checkpoint is not. */
async function readScalars(storage: EventStorage, logger: Logger): Promise<void> {
  try {
    await storage.resolve();
  } catch (error) {
    const { cause } = error as HooklineError;
    const failures = cause instanceof AggregateError ? (cause.errors as readonly HooklineError[]) : [error];
    for (const failure of failures as readonly HooklineError[])
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

/** The error for a checkpoint without an entry that each one of its kind has. */
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
  const { source } = checkpoint;
  const left = new Map(states);
  const loads: (() => void)[] = [];
  const missing: string[] = [];
  for (const { plugin, parts } of plugins) {
    const { id } = plugin;
    const { state } = parts;
    if (state === undefined) continue;
    const allowed = checkpoint.allowsMismatch(id);
    const saved = left.get(id);
    left.delete(id);
    if (saved !== undefined) {
      loads.push(
        allowed ? fittingOrFresh(plugin, state, saved, source, logger) : checkPluginState(plugin, state, saved, source),
      );
    } else if (state.optional === true || allowed) {
      logger.warn(`${id} starts afresh: ${source} holds no state of it`);
      loads.push(() => state.reset?.());
    } else missing.push(id);
  }
  const surplus: string[] = [];
  for (const [id, { optional }] of left) {
    const isAllowed = checkpoint.allowsMismatch(id);
    // It is set up on the first rank alone, and this is another one.
    if (elsewhere.has(id)) continue;
    if (!isAllowed && optional !== true) surplus.push(id);
    else logger.warn(`the state of ${id} in ${source} is ignored: no such plugin here`);
  }
  if (missing.length + surplus.length > 0) throw mismatch(missing, surplus, source);
  return loads;
}

/** Where a state that does not fit is allowed for, the plugin begins afresh instead. */
function fittingOrFresh(
  plugin: Plugin,
  state: PluginState,
  saved: SavedState,
  source: string,
  logger: Logger,
): () => void {
  try {
    return checkPluginState(plugin, state, saved, source);
  } catch (error) {
    logger.warn(`${plugin.id} starts afresh: ${describeCause(error)}`);
    return () => state.reset?.();
  }
}

function mismatch(missing: readonly string[], surplus: readonly string[], source: string): HooklineError {
  const list = (ids: readonly string[]): string => ids.join(', ');
  const what = [
    ...(missing.length === 0 ? [] : [`it holds no state of ${list(missing)}`]),
    ...(surplus.length === 0 ? [] : [`it holds state of ${list(surplus)}, and this trainer has nothing that takes it`]),
  ];
  const names = [...missing, ...surplus].map((id) => {
    const [name = '', instance] = id.split('#');
    return instance === undefined ? shortName(name) : `${shortName(name)}#${instance}`;
  });
  const ways = [
    ...(missing.length === 0 ? [] : ['to add what is missing with a fresh state']),
    ...(surplus.length === 0 ? [] : ['to drop what is left over']),
  ].join(' and ');
  return new HooklineError(missing.length === 0 ? 'HKL_STATE_LEFT_OVER' : 'HKL_STATE_MISSING', what.join('; '), {
    who: source,
    where: `entry ${PLUGINS_ENTRY}`,
    fix: `Resume with the plugins of that run, or, ${ways}, with --allow-mismatch ${names.join(',')} (in code: allowMismatch: [${names.map((name) => `'${name}'`).join(', ')}])`,
  });
}
