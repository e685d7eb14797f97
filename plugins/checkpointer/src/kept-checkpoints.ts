import { rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Checkpoints, type Communicator, type Logger, onFirstRank } from '@hookline/core';

/**
 * The numbered checkpoints that this run has saved, the oldest first. Only what the run itself saved is ever deleted:
 * the names are part of the checkpoint, and what else lies in the folder is not looked at.
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

  /** A checkpoint is about to be saved; one of that name is replaced. */
  add(name: string): void {
    this.#names = [...this.#names.filter((each) => each !== name), name];
  }

  /**
   * Forgets the oldest ones.
   *
   * @returns deletes them; call it when the newest one is complete
   */
  prune(maxToKeep: number): () => Promise<void> {
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
 * Deletes checkpoints by their names, without folder and extension, as far as they are still there.
 *
 * @param failed is told of each that cannot be deleted: a full folder is a nuisance, losing the training over it would be worse
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
