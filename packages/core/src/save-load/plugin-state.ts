import type { StandardSchemaV1 } from '@standard-schema/spec';
import { readManifest } from '../checkpoint/checkpoint-file.ts';
import { describeCause, HooklineError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { isPlainObject } from '../plain-object.ts';
import type { PluginState } from '../plugin/define-state.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { ignoreRejection, isThenable } from '../thenable.ts';

/** What a plugin saved, as a checkpoint holds it. */
export interface SavedState {
  /** Version of the plugin's package. */
  readonly package: string;
  /** Version of the shape of the data. */
  readonly version: number;
  /** Whether a run may go on without it. */
  readonly optional?: boolean;
  readonly data: JsonValue;
}

/** Key of the entry that holds the plugins' states, by id. */
export const PLUGINS_ENTRY = 'hookline/plugins';

/**
 * The state of a plugin as a checkpoint holds it. @throws HooklineError `HKL_STATE_SAVE_FAILED` that names the plugin
 */
export function savePluginState(plugin: Plugin, state: PluginState): SavedState {
  try {
    const data: unknown = state.save();
    if (isThenable(data)) throw unawaited('save', data);
    return {
      package: plugin.definition.version,
      version: state.version ?? 1,
      ...(state.optional === true ? { optional: true } : {}),
      data: data as JsonValue,
    };
  } catch (cause) {
    throw new HooklineError('HKL_STATE_SAVE_FAILED', `its state cannot be saved: ${describeCause(cause)}`, {
      who: plugin.id,
      where: 'state.save',
      fix: 'It must give its state as JSON at any time between setup and dispose',
      cause,
    });
  }
}

/**
 * Checks what a plugin saved: converts it to the current version and validates it.
 *
 * @param source where it comes from, for the error
 * @returns a function that hands the state to the plugin; it raises `HKL_STATE_LOAD_FAILED` where the plugin refuses it
 * @throws HooklineError `HKL_STATE_INVALID`, `HKL_STATE_NEWER`, `HKL_STATE_LOAD_FAILED` where `migrate` fails; each
 * names plugin, source and field or version
 */
export function planPluginLoad(plugin: Plugin, state: PluginState, saved: SavedState, source: string): () => void {
  const origin = { who: plugin.id, entry: PLUGINS_ENTRY, source };
  const failed = (where: string, cause: unknown): HooklineError => loadFailed(plugin, saved, source, where, cause);
  const { version = 1, schema } = state;
  if (schema !== undefined && saved.version > version) throw newer(plugin, saved, version, source);
  let data: unknown = saved.data;
  if (saved.version < version && state.migrate !== undefined) {
    try {
      data = state.migrate(saved.data, saved.version);
      if (isThenable(data)) throw unawaited('migrate', data);
    } catch (cause) {
      throw failed('state.migrate', cause);
    }
  }
  if (schema !== undefined) data = checkState(schema, data, origin);
  return () => {
    try {
      const untyped: { load(data: unknown, version: number): unknown } = state;
      const done = untyped.load(data, saved.version);
      if (isThenable(done)) throw unawaited('load', done);
    } catch (cause) {
      throw failed('state.load', cause);
    }
  };
}

/**
 * Reads what a plugin has saved in a checkpoint, without loading the checkpoint. The data are returned as they were
 * written, by whichever version of the plugin. Only the beginning of the file is read.
 *
 * @param id of the plugin
 * @returns undefined where the checkpoint holds no state of the plugin
 * @throws HooklineError what `readManifest` raises, and `HKL_STATE_INVALID` for an entry that no trainer has written
 */
export async function readPluginState(path: string, id: string): Promise<JsonValue | undefined> {
  const entry = (await readManifest(path)).entries[PLUGINS_ENTRY];
  return entry === undefined ? undefined : savedStates(entry.data, path).get(id)?.data;
}

/**
 * Reads the states in an entry, by plugin. @throws HooklineError `HKL_STATE_INVALID` for what `savePluginState` never
 * returned
 */
export function savedStates(data: unknown, source: string): ReadonlyMap<string, SavedState> {
  const origin = { who: 'checkpoint', entry: PLUGINS_ENTRY, source };
  if (!isPlainObject(data)) throw invalidState('it is no object of states by plugin', origin);
  const states = Object.entries(data as Record<string, Partial<SavedState> | null>);
  for (const [id, saved] of states) {
    const field = isPlainObject(saved) ? faultOf(saved) : 'the whole of it';
    if (field !== undefined)
      throw invalidState(`${field} is missing or not of its type`, {
        ...origin,
        who: id,
        entry: `${PLUGINS_ENTRY}, plugin ${id}`,
      });
  }
  return new Map(states as [string, SavedState][]);
}

function faultOf(saved: Partial<SavedState>): string | undefined {
  if (typeof saved.package !== 'string') return 'field "package"';
  if (!Number.isSafeInteger(saved.version) || (saved.version as number) < 1) return 'field "version"';
  if (saved.optional !== undefined && typeof saved.optional !== 'boolean') return 'field "optional"';
  return saved.data === undefined ? 'field "data"' : undefined;
}

function loadFailed(plugin: Plugin, saved: SavedState, source: string, where: string, cause: unknown): HooklineError {
  const { version } = plugin.definition;
  const by = saved.package === version ? '' : ` (version ${saved.package} saved it, this is version ${version})`;
  return new HooklineError(
    'HKL_STATE_LOAD_FAILED',
    `its state in ${source} cannot be loaded${by}: ${describeCause(cause)}`,
    {
      who: plugin.id,
      where,
      fix: "Resume with the plugin's version and options of that run, leave it out, or begin anew from the weights alone: load(file, 'weights')",
      cause,
    },
  );
}

function newer(plugin: Plugin, saved: SavedState, version: number, source: string): HooklineError {
  return new HooklineError(
    'HKL_STATE_NEWER',
    `its state in ${source} has version ${saved.version}, and this plugin reads versions up to ${version}`,
    {
      who: plugin.id,
      where: `entry ${PLUGINS_ENTRY}, field "version"`,
      fix: `Update the plugin: version ${saved.package} saved it`,
    },
  );
}

function unawaited(name: string, promise: PromiseLike<unknown>): Error {
  ignoreRejection(promise);
  return new Error(`${name} is async, and nobody awaits it; tap saveState and loadState for what takes time`);
}

/** Whose data are being checked, for the error. */
export interface StateOrigin {
  /** The plugin, or the part of the engine, that saved the data. */
  readonly who: string;
  /** Key of the entry in the checkpoint. */
  readonly entry: string;
  /** The file. */
  readonly source: string;
}

/**
 * Validates saved data with a schema and returns its output.
 *
 * @throws HooklineError `HKL_STATE_INVALID` that names plugin, file, entry and each field that does not fit
 */
export function checkState<S extends StandardSchemaV1>(
  schema: S,
  data: unknown,
  origin: StateOrigin,
): StandardSchemaV1.InferOutput<S> {
  const result = schema['~standard'].validate(data);
  if (isThenable(result)) {
    ignoreRejection(result);
    throw invalidState('its schema validates asynchronously, and nobody awaits it', origin);
  }
  if (result.issues === undefined) return result.value;
  throw invalidState(result.issues.map(describeIssue).join('; '), origin, result.issues);
}

/** The error for an entry that does not fit. */
export function invalidState(what: string, { who, entry, source }: StateOrigin, cause?: unknown): HooklineError {
  return new HooklineError('HKL_STATE_INVALID', `its state in ${source} does not fit: ${what}`, {
    who,
    where: `entry ${entry}`,
    fix: "Resume from another checkpoint, with the plugin's version and options of that run, or begin anew from the weights alone: load(file, 'weights')",
    cause,
  });
}

function describeIssue({ path = [], message }: StandardSchemaV1.Issue): string {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.length === 0 ? `the whole of it: ${message}` : `field "${keys.join('.')}": ${message}`;
}
