import { describeCause, HooklineError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import type { Plugin, PluginState } from '../plugin/plugin.ts';

/** A plugin that is set up, with the state it returned. */
export interface StatefulPlugin {
  readonly plugin: Plugin;
  readonly state: PluginState;
}

/** What a plugin saved, as a checkpoint holds it. */
export interface SavedState {
  /** Version of the plugin's package. */
  readonly package: string;
  /** Version of the shape of the data. */
  readonly version: number;
  readonly data: JsonValue;
}

/** What a plugin would put into a checkpoint now. @throws HooklineError `HKL_STATE_SAVE_FAILED` that names the plugin */
export function savePluginState({ plugin, state }: StatefulPlugin): SavedState {
  try {
    const data: unknown = state.save();
    if (data instanceof Promise) throw unawaited('save', data);
    return { package: plugin.definition.version, version: state.version ?? 1, data: data as JsonValue };
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
 * Hands a plugin what it saved.
 *
 * @param source where it comes from, for the error
 * @throws HooklineError `HKL_STATE_LOAD_FAILED` that names plugin, source and the version that saved it
 */
export function loadPluginState({ plugin, state }: StatefulPlugin, saved: SavedState, source: string): void {
  try {
    const untyped: { load(data: JsonValue, version: number): unknown } = state;
    const done = untyped.load(saved.data, saved.version);
    if (done instanceof Promise) throw unawaited('load', done);
  } catch (cause) {
    const { version } = plugin.definition;
    const by = saved.package === version ? '' : ` (version ${saved.package} saved it, this is version ${version})`;
    throw new HooklineError(
      'HKL_STATE_LOAD_FAILED',
      `its state in ${source} cannot be loaded${by}: ${describeCause(cause)}`,
      {
        who: plugin.id,
        where: 'state.load',
        fix: "Resume with the plugin's version and options of that run, leave it out, or begin anew from the weights alone: load(file, 'weights')",
        cause,
      },
    );
  }
}

function unawaited(name: string, promise: Promise<unknown>): Error {
  // Its rejection would end the process with a second message.
  promise.catch(() => undefined);
  return new Error(`${name} is async, and nobody awaits it; tap saveState and loadState for what takes time`);
}
