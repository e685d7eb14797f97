import type { CheckpointInput } from '../checkpoint/checkpoint.ts';
import { describeCause, HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { DraftCheckpoint } from './draft-checkpoint.ts';
import { LoadingCheckpoint } from './loading-checkpoint.ts';

/** Brings back what was there before a load. @returns the error that says why it could not, where it could not */
export type UndoLoad = (file: string, failure: unknown) => Promise<HooklineError | undefined>;

/**
 * Remembers the whole state, as a checkpoint in memory, before another one is loaded.
 *
 * A checkpoint is checked before anything changes, but a plugin without a schema, or a tap that does not use `apply`, may
 * find out late that it does not fit. Each of them can bring back what it has saved itself, so what was there before is
 * loaded again then.
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
      const loading = new LoadingCheckpoint(before, { source: 'what was there before', scope: 'all', purpose: 'undo' });
      await hooks.phases.loadState.call(loading);
      await loading.applyAll();
      return undefined;
    } catch (cause) {
      return halfLoaded(file, failure, cause);
    }
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
