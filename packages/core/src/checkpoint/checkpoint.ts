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

/** A checkpoint that the taps of the `saveState` hook put together. */
export interface CheckpointBuilder {
  /** Iterations done, the iteration to resume at. */
  readonly iteration: number;
  /** `file`, or `undo` where the state is kept in memory only, to be restored if a load fails halfway. */
  readonly purpose: 'file' | 'undo';
  /**
   * Adds data under a key, such as the plugin's id; `version` is that of the shape of the data, default 1.
   *
   * @throws HooklineError `HKL_STATE_DUPLICATE` when the key is taken
   */
  set(key: string, data: JsonValue, version?: number): void;
  /**
   * Adds a tensor; by convention `model/...` for weights, `optimizer/...`, `<plugin>/...`. The data are written or
   * copied before the training goes on; with the purpose `undo` they are kept without a copy and must not change.
   *
   * @throws HooklineError `HKL_STATE_DUPLICATE` when the name is taken
   */
  setTensor(name: string, tensor: HostTensor): void;
}

/** A checkpoint as the taps of the `loadState` hook see it. */
export interface CheckpointView {
  readonly iteration: number;
  /** How much is loaded, and what for. */
  readonly scope: LoadScope;
  /**
   * `file`, or `undo` where a load has failed and the state from before it is restored: take it without judging its
   * values.
   */
  readonly purpose: 'file' | 'undo';
  /** The absolute path of the file; for `undo` a description in words. */
  readonly source: string;
  /**
   * Whether the file was written by another program, which is possible with the scope `weights` only. Entries and
   * tensors are then empty: a tap that can read such files reads {@link CheckpointView.source} and hands over its
   * changes.
   */
  readonly isForeign: boolean;
  get(key: string): { readonly data: JsonValue; readonly version: number } | undefined;
  /**
   * Hands over a change. The tap itself only checks that the checkpoint fits. Once every tap has accepted the
   * checkpoint, the changes are made, in the order of these calls.
   */
  apply(change: () => void | Promise<void>): void;
  /**
   * Whether the caller of `load` allows the state of this owner to be missing, left over or unfitting (option
   * `allowMismatch`).
   *
   * @param owner the id of a plugin, or `optimizer`, `data`, `weights` or `non-finite`
   */
  allowsMismatch(owner: string): boolean;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/**
 * How much of a checkpoint is loaded.
 *
 * - `all` to resume a run: everything must fit.
 * - `inference` to predict, evaluate and export: the model and the states of the plugins must fit, such as averaged weights;
 * whatever else only training needs is loaded where it fits.
 * - `weights` to begin a new run from trained weights.
 */
export type LoadScope = 'all' | 'inference' | 'weights';

/** Options of loading a checkpoint. */
export interface LoadOptions {
  /** `all` to go on with that run, `inference` to predict and evaluate, `weights` to begin a new run from its weights. Default `all`. */
  readonly scope?: LoadScope;
  /**
   * Whose state may differ. Default: nobody's.
   *
   * - A plugin, by its short or long name: state that is missing or does not fit (the plugin starts afresh) or is left
   * over (it is dropped).
   * - `optimizer`, `data`: state that does not fit.
   * - `weights`: weights of which only a small part fits, with the scope `weights`.
   * - `non-finite`: NaN or infinity in the weights, which is an error otherwise and is then loaded with a warning.
   */
  readonly allowMismatch?: readonly string[];
}
