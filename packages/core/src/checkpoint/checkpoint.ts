import type { JsonValue } from '../json.ts';
import type { HostTensor } from './host-tensor.ts';

// The stages of a checkpoint's life: a builder while it is put together, a checkpoint, a file with its manifest, and a
// view while it is loaded.

/** A checkpoint: what a run saves, in memory. */
export interface Checkpoint {
  readonly manifest: CheckpointManifest;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** What a checkpoint says about itself. Of one that was read from a file, all fields are there. */
export interface CheckpointManifest {
  /** The next iteration to run. */
  readonly iteration: number;
  /** Version of Hookline. */
  readonly hookline: string;
  /** What each part of the run saved, by its key. */
  readonly entries: Readonly<Record<string, CheckpointEntry>>;
  /** When it was made, ISO 8601. Default: when it is written. */
  readonly created?: string;
  /** Version of the format; whoever writes the file sets it. */
  readonly format?: number;
  /** SHA-256 of the data section, in hexadecimal digits; whoever writes the file sets it. */
  readonly sha256?: string;
}

/** What one part of a run saves besides tensors. */
export interface CheckpointEntry {
  /** Version of whoever saved it. */
  readonly version?: string | undefined;
  /** Plain data: objects, arrays, numbers (also NaN, infinities, -0), strings, booleans, null. */
  readonly data: unknown;
}

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
  /**
   * Adds a tensor; by convention `model/...` for weights, `optimizer/...`, `<plugin>/...`. Its data are written, or copied, before the
   * training goes on; with the purpose `undo` they must stay what they are. Same error.
   */
  setTensor(name: string, tensor: HostTensor): void;
}

/** A checkpoint being loaded in the `loadState` hook. */
export interface CheckpointView {
  readonly iteration: number;
  /** `all` to resume a run, `weights` to begin a new one from trained weights. */
  readonly scope: LoadScope;
  /** `undo` where it is what was there before a load that failed: whatever it is, it is brought back. */
  readonly purpose: 'file' | 'undo';
  /** The file it comes from, absolute; otherwise words that say what it is. */
  readonly source: string;
  /**
   * Whether the file is none that Hookline wrote, which there is with the scope `weights` alone. Entries and tensors are empty
   * then: who can read such files reads {@link CheckpointView.source} and hands over what to change.
   */
  readonly isForeign: boolean;
  get(key: string): { readonly data: JsonValue; readonly version: number } | undefined;
  /**
   * Hands over what changes things: the tap itself only checks that the checkpoint fits. The changes are made once all
   * taps have found that it does, in the order of the calls.
   */
  apply(change: () => void | Promise<void>): void;
  /**
   * Whether whoever loads the checkpoint allows for state of this owner that is missing, left over or does not fit.
   *
   * @param owner the id of a plugin, or `optimizer`, `data`, `weights` or `non-finite`
   */
  allowsMismatch(owner: string): boolean;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** How much of a checkpoint is loaded. */
export type LoadScope = 'all' | 'weights';

/** Options of loading a checkpoint. */
export interface LoadOptions {
  /** `all` to go on with that run, `weights` to begin a new one from its weights. Default `all`. */
  readonly scope?: LoadScope;
  /**
   * Names of plugins, short or long, whose state may be missing or one that does not fit (they start afresh), or left
   * over (it is dropped); `optimizer` and `data`, whose state may be one that does not fit; `weights`: of a file of another
   * framework, however little fits is loaded; and `non-finite`: NaN and infinity in the weights, which are an error else,
   * are loaded with a warning. Default none.
   */
  readonly allowMismatch?: readonly string[];
}
