import type { LoadOptions, LoadScope } from '../checkpoint/checkpoint.ts';

/** Options of {@link Checkpoints.save}. */
export interface SaveOptions {
  /** Whether this becomes the checkpoint that resuming takes. @default true */
  readonly tag?: boolean;
  /**
   * For a checkpoint of the end of a training: asked once all plugins have done their `afterTrain`, and where it says true
   * the checkpoint is saved once more. What is at stake is saved first, and what plugins store afterwards, such as the
   * evaluation after a stop, is not missed by who resumes. @default it is not saved again
   */
  readonly renewIf?: () => boolean;
  /** Whether to refuse weights that are NaN or infinite. @default false */
  readonly finite?: boolean;
}

/** A checkpoint that is being written. */
export interface StartedSave {
  /** The path of the file that there will be. */
  readonly path: string;
  /** Settles when the file is complete and in its place. Handle it: it rejects with what writing raises. */
  readonly written: Promise<void>;
}

/** Saves and loads the whole state of a run. */
export interface Checkpoints {
  /**
   * Saves everything into `<output>/<name>.safetensors`, atomically. Of several ranks all must call it: the first one writes,
   * the others wait for it, and it fails on all of them where it fails on one.
   *
   * @returns the path of the file
   * @throws HooklineError `HKL_CHECKPOINT_NAME`, `HKL_WEIGHTS_NOT_FINITE`, `HKL_HALF_LOADED` after a load that left neither the old state nor the
   * new one, `HKL_RANKS_DIVERGED` where the ranks do not have the same weights, what the taps of `saveState` raise, and what
   * writing raises
   */
  save(name: string, options?: SaveOptions): Promise<string>;
  /**
   * As {@link Checkpoints.save}, without waiting for the disk: when it returns, the state has been copied, and the training may go on
   * while a thread hashes and writes the copy. Whatever has to do with checkpoints waits for it first: the next one that is saved or
   * loaded, `latest`, `list` and the end of the training. Of several ranks all wait, as with `save`.
   *
   * The copy takes as much memory as the checkpoint, which is kept for the next one until the training ends.
   *
   * @throws what `save` throws, but for what writing raises
   */
  saveAsync(name: string, options?: SaveOptions): Promise<StartedSave>;
  /**
   * Loads a file into the prepared trainer, all or nothing. All of it is checked before anything changes: schemas of
   * plugin states, names, shapes and types of tensors, what is missing and what is left over. When a tap of `loadState` or
   * a plugin's `state.load` fails all the same, everything is put back as it was. Where that fails as well, the trainer
   * refuses to train, evaluate and save until a checkpoint is loaded as a whole (`HKL_HALF_LOADED`).
   *
   * With the scope `weights` the file may be one of another framework, where a plugin can read it, as the one of a training
   * with TensorFlow.js can.
   *
   * @param options the scope, or scope and what may be missing or left over; default all, nothing may
   * @returns the iteration to go on at, 0 for the scope `weights`
   * @throws HooklineError `HKL_STATE_INVALID`, `HKL_STATE_MISSING`, `HKL_STATE_LEFT_OVER`, `HKL_STATE_NEWER`,
   * `HKL_STATE_LOAD_FAILED`, `HKL_OPTION_INVALID` for an allowed name that nobody has, `HKL_WEIGHTS_NONE` for weights that
   * nobody takes, and what reading the file raises
   */
  load(path: string, options?: LoadScope | LoadOptions): Promise<number>;
  /** The file that resuming takes, undefined when there is none. */
  latest(): Promise<string | undefined>;
  /** All checkpoints of the run's folder, absolute. */
  list(): Promise<readonly string[]>;
}
