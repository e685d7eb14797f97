import type { LoadOptions, LoadScope } from '../checkpoint/checkpoint.ts';

/** Options of {@link Checkpoints.save}. */
export interface SaveOptions {
  /** Whether resuming takes this checkpoint. Default true. */
  readonly tag?: boolean;
  /**
   * For a checkpoint at the end of a training. It is called once all plugins have done their `afterTrain`; where it
   * returns true, the checkpoint is saved a second time, so that it also holds what plugins stored after the first
   * save, such as the results of an evaluation after a stop. Default: the checkpoint is saved once.
   */
  readonly renewIf?: () => boolean;
  /** Whether to refuse weights that are NaN or infinite. Default false. */
  readonly finite?: boolean;
}

/** A checkpoint that is being written. */
export interface StartedSave {
  /** The path of the file. */
  readonly path: string;
  /** Resolves when the file is complete and in its place. Handle it: it rejects with what writing raises. */
  readonly written: Promise<void>;
}

/** Saves and loads the whole state of a run. */
export interface Checkpoints {
  /**
   * Saves everything into `<output>/<name>.safetensors`, atomically. Where several ranks train, all must call it: the
   * first one writes, the others wait, and where it fails on one, it fails on all.
   *
   * @returns the path of the file
   * @throws HooklineError `HKL_CHECKPOINT_NAME`, `HKL_WEIGHTS_NOT_FINITE`, `HKL_HALF_LOADED` after a load that left
   * neither the old state nor the new one, `HKL_RANKS_DIVERGED` where the ranks do not have the same weights, what the
   * taps of `saveState` raise, and what writing raises
   */
  save(name: string, options?: SaveOptions): Promise<string>;
  /**
   * As {@link Checkpoints.save}, without waiting for the disk: when it returns, the state has been copied, and the
   * training may go on while a thread hashes and writes the copy. Every later operation on checkpoints waits for the
   * write first: saving, loading, `latest`, `list` and the end of the training. Where several ranks train, this waits
   * for the disk as `save` does.
   *
   * The copy takes as much memory as the checkpoint has bytes; the memory is kept for the next copy until the training
   * ends.
   *
   * @throws what `save` throws, except for what writing raises
   */
  saveAsync(name: string, options?: SaveOptions): Promise<StartedSave>;
  /**
   * Loads a file into the prepared trainer, all or nothing. All of it is checked before anything changes: schemas of
   * plugin states, names, shapes and types of tensors, what is missing and what is left over. Where a tap of
   * `loadState` or a plugin's `state.load` fails nevertheless, the state from before is restored. Where that fails as
   * well, the trainer refuses to train, evaluate and save until a checkpoint is loaded as a whole (`HKL_HALF_LOADED`).
   *
   * With the scope `weights` the file may be one of another framework, if a plugin can read it; `tfjsRuntime` of
   * @hookline/tfjs brings such a plugin.
   *
   * @param options the scope, or the scope with what may be missing or left over. Default: scope `all`, nothing may be
   * missing or left over
   * @returns the next iteration, 0 for the scope `weights`
   * @throws HooklineError `HKL_STATE_INVALID`, `HKL_STATE_MISSING`, `HKL_STATE_LEFT_OVER`, `HKL_STATE_NEWER`,
   * `HKL_STATE_LOAD_FAILED`, `HKL_OPTION_INVALID` for an allowed name that nobody has, `HKL_WEIGHTS_NONE` where no
   * plugin loads weights, and what reading the file raises
   */
  load(path: string, options?: LoadScope | LoadOptions): Promise<number>;
  /** The file that resuming takes, absolute; undefined where there is none. */
  latest(): Promise<string | undefined>;
  /** All checkpoints of the run's folder, absolute. */
  list(): Promise<readonly string[]>;
}
