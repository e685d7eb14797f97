import { rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Checkpoints, type Communicator, type Logger, onFirstRank } from '@hookline/core';

/**
 * The numbered checkpoints that this run has saved, the oldest first. Only files that the run itself has saved are ever deleted:
 * their names are part of the checkpoint, and other files in the folder are ignored.
 */
export class KeptCheckpoints {
  readonly #checkpoints: Checkpoints;
  readonly #logger: Logger;
  readonly #comm: Communicator;
  #names: string[] = [];

  constructor(checkpoints: Checkpoints, logger: Logger, comm: Communicator) {
    this.#comm = comm;
    this.#checkpoints = checkpoints;
    this.#logger = logger;
  }

  /** The names, without folder and extension. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Takes over the names of an earlier part of the run. */
  load(names: readonly string[]): void {
    this.#names = [...names];
  }

  /** Registers a checkpoint that is about to be saved; one with the same name is replaced. */
  add(name: string): void {
    this.#names = [...this.#names.filter((each) => each !== name), name];
  }

  /**
   * Takes the oldest ones off the list, so that `maxToKeep` remain.
   *
   * @returns a function that deletes their files; call it after the newest checkpoint is complete
   */
  takeSurplus(maxToKeep: number): () => Promise<void> {
    if (this.#names.length <= maxToKeep) return () => Promise.resolve();
    const surplus = new Set(this.#names.slice(0, -maxToKeep));
    this.#names = this.#names.slice(-maxToKeep);
    const remove = (): Promise<void> =>
      deleteCheckpoints(this.#checkpoints, surplus, (path, error) =>
        this.#logger.warn(`could not delete the old checkpoint ${path}: ${String(error)}`),
      );
    return () => onFirstRank(this.#comm, remove, 'old checkpoints');
  }
}

/**
 * Deletes checkpoints by their names, without folder and extension, if they still exist.
 *
 * @param failed called for each file that cannot be deleted, which must not end the training
 */
export async function deleteCheckpoints(
  checkpoints: Checkpoints,
  names: ReadonlySet<string>,
  failed: (path: string, error: unknown) => void,
): Promise<void> {
  for (const path of await checkpoints.list()) {
    if (!names.has(basename(path, extname(path)))) continue;
    try {
      await rm(path, { force: true });
    } catch (error) {
      failed(path, error);
    }
  }
}
