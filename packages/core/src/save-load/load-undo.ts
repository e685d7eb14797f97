import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { describeCause, HooklineError } from '../errors.ts';
import type { EngineHookSet } from '../hooks/hook-table.ts';
import { collectState } from './collect-state.ts';
import { planLoad } from './plan-load.ts';

/** Restores the state from before a load. @returns an error where that fails */
export type UndoLoad = (file: string, failure: unknown) => Promise<HooklineError | undefined>;

/**
 * Remembers the whole state, as a checkpoint in memory, before another one is loaded.
 *
 * A checkpoint is checked before anything changes. But the `load` of a plugin's state without a schema, and a tap of
 * `loadState` that makes its changes without `apply`, can fail when others have changed already: see `load-undo.test.ts`,
 * "a checkpoint that a plugin's state.load refuses". Each owner can load what it has saved itself, so that state is loaded
 * again then.
 */
export async function rememberState(hooks: EngineHookSet, iteration: number): Promise<UndoLoad> {
  let before: Checkpoint;
  try {
    const { manifest, tensors } = await collectState(hooks, iteration, 'undo');
    // What a plugin saves may be the same object that a load changes.
    before = { manifest: structuredClone(manifest), tensors };
  } catch (cause) {
    // Loading goes on all the same: most loads succeed, and then this state is not needed.
    return (file, failure) => Promise.resolve(halfLoaded(file, failure, cause));
  }
  return async (file, failure) => {
    try {
      const request = { source: 'what was there before', scope: 'all', purpose: 'undo', isForeign: false } as const;
      const plan = await planLoad(hooks, before, { ...request, allowMismatch: [] });
      await plan.apply();
      return undefined;
    } catch (cause) {
      return halfLoaded(file, failure, cause);
    }
  };
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
