import type { HostTensor } from '../checkpoint/host-tensor.ts';
import type { JsonValue } from '../json.ts';

/** A checkpoint being put together in the `saveState` hook. */
export interface CheckpointBuilder {
  /** Iterations done, the iteration to resume at. */
  readonly iteration: number;
  /** `file`, or `undo` where the state is remembered in memory only, to be brought back if a load fails halfway. */
  readonly purpose: 'file' | 'undo';
  /**
   * Adds data under a key, such as a plugin's name.
   *
   * @throws HooklineError `HKL_STATE_DUPLICATE` when the key is taken
   */
  set(key: string, data: JsonValue, version?: number): void;
  /** Adds a tensor; by convention `model/...` for weights, `optimizer/...`, `<plugin>/...`. Same error. */
  setTensor(name: string, tensor: HostTensor): void;
}

/** A checkpoint being loaded in the `loadState` hook. */
export interface CheckpointView {
  readonly iteration: number;
  /** `all` to resume a run, `weights` to begin a new one from trained weights. */
  readonly scope: LoadScope;
  /** `undo` where it is what was there before a load that failed: whatever it is, it is brought back. */
  readonly purpose: 'file' | 'undo';
  /** For error messages: the file it comes from. */
  readonly source: string;
  get(key: string): { readonly data: JsonValue; readonly version: number } | undefined;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** How much of a checkpoint is loaded. */
export type LoadScope = 'all' | 'weights';
