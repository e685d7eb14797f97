import type { Checkpoint, CheckpointBuilder, CheckpointEntry } from '../checkpoint/checkpoint.ts';
import type { HostTensor } from '../checkpoint/host-tensor.ts';
import { HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { VERSION } from '../version.ts';

/**
 * Calls the `saveState` hook.
 *
 * @param iteration iterations done, the iteration to resume at
 * @returns all that the taps have added
 */
export async function collectState(
  hooks: EngineHookSet,
  iteration: number,
  purpose: CheckpointBuilder['purpose'] = 'file',
): Promise<Checkpoint> {
  const entries = new Map<string, CheckpointEntry>();
  const tensors = new Map<string, HostTensor>();
  await hooks.byName.saveState.call({
    iteration,
    purpose,
    set(key, data, version = 1) {
      if (entries.has(key)) throw duplicate('key', key);
      entries.set(key, { data, version: String(version) });
    },
    setTensor(name, tensor) {
      if (tensors.has(name)) throw duplicate('tensor name', name);
      tensors.set(name, tensor);
    },
  });
  const created = new Date().toISOString();
  return { manifest: { iteration, hookline: VERSION, created, entries: Object.fromEntries(entries) }, tensors };
}

function duplicate(what: string, name: string): HooklineError {
  return new HooklineError('HKL_STATE_DUPLICATE', `the ${what} "${name}" is already in this checkpoint`, {
    where: 'hook saveState',
    fix: "Begin keys and tensor names with the plugin's id",
  });
}
