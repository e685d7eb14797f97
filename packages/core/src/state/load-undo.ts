import type { Checkpoint, CheckpointInput } from '../checkpoint/checkpoint.ts';
import { describeCause, HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import type { JsonValue } from '../json.ts';
import type { CheckpointView, LoadScope } from './checkpoint-view.ts';
import { DraftCheckpoint } from './draft-checkpoint.ts';

/** Brings back what was there before a load. @returns the error that says why it could not, where it could not */
export type UndoLoad = (file: string, failure: unknown) => Promise<HooklineError | undefined>;

/**
 * Remembers the whole state, as a checkpoint in memory, before another one is loaded.
 *
 * A load goes from tap to tap, and the last of them may find out that the checkpoint does not fit. Each of them can
 * bring back what it has saved itself, so what was there before is loaded again then.
 */
export async function rememberState(hooks: EngineHookSet, iteration: number): Promise<UndoLoad> {
  let before: CheckpointInput;
  try {
    const draft = new DraftCheckpoint(iteration, 'undo');
    await hooks.phases.saveState.call(draft);
    before = copyOf(draft.finish());
  } catch (cause) {
    // Loading goes on all the same: most loads succeed, and then nobody asks.
    return (file, failure) => Promise.resolve(halfLoaded(file, failure, cause));
  }
  return async (file, failure) => {
    try {
      await hooks.phases.loadState.call(viewOf(before, 'what was there before', 'all', 'undo'));
      return undefined;
    } catch (cause) {
      return halfLoaded(file, failure, cause);
    }
  };
}

/** A checkpoint as the taps of `loadState` see it. */
export function viewOf(
  { manifest, tensors }: Checkpoint | CheckpointInput,
  source: string,
  scope: LoadScope,
  purpose: CheckpointView['purpose'] = 'file',
): CheckpointView {
  return {
    iteration: manifest.iteration,
    scope,
    purpose,
    source,
    tensors,
    get: (key) => {
      const entry = Object.hasOwn(manifest.entries, key) ? manifest.entries[key] : undefined;
      return entry === undefined ? undefined : { data: entry.data as JsonValue, version: Number(entry.version ?? 1) };
    },
  };
}

/** What a plugin saves may be the very object that a half-done load changes. */
function copyOf({ manifest, tensors }: CheckpointInput): CheckpointInput {
  return { manifest: structuredClone(manifest), tensors };
}

function halfLoaded(file: string, failure: unknown, cause: unknown): HooklineError {
  return new HooklineError(
    'HKL_HALF_LOADED',
    `${file} could be loaded only in part (${describeCause(failure)}), and what was there before could not be brought back: ${describeCause(cause)}`,
    {
      who: 'trainer',
      fix: 'Make a new trainer, or load a checkpoint that fits as a whole',
      cause: new AggregateError([failure, cause]),
    },
  );
}
