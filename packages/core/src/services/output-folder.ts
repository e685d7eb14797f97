import { open, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { removeStaleTemps } from '../files/atomic-file.ts';
import { systemCode } from '../files/file-error.ts';
import { claimTempName, releaseTempName } from '../files/temp-name.ts';
import { defineService } from '../container/service-ref.ts';
import { HooklineError } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { ABANDONED_AFTER_MS, type LockOwner, type ProcessLock, tryLock } from '../files/process-lock.ts';
import type { Logger } from './logger.ts';

/** The folder that a run writes into. */
export interface OutputFolder {
  /** Absolute. */
  readonly dir: string;
  /**
   * The absolute path of a file in the folder; makes the folders above the file. Write the file with
   * `writeFileAtomically`.
   */
  file(...segments: string[]): Promise<string>;
}

/** Gives the {@link OutputFolder}: the run's folder. A plugin that requires it makes the trainer lock the folder. */
export const outputRef = defineService<OutputFolder>('output', { description: "the run's folder" });

/** The lock's name in the folder. */
const LOCK = '.hookline-lock';

/** An output folder on disk. It is made when the trainer is prepared, if a plugin needs it. */
export class DiskOutputFolder implements OutputFolder {
  readonly dir: string;
  #lock: ProcessLock | undefined;
  #logger: Logger | undefined;
  #damage: HooklineError | undefined;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  async file(...segments: string[]): Promise<string> {
    this.#look();
    const path = join(this.dir, ...segments);
    await makeFolder(dirname(path));
    return path;
  }

  /**
   * Makes the folder and tries to write into it, so that a training does not fail at its first checkpoint.
   *
   * @throws HooklineError `HKL_OUTPUT_UNWRITABLE`
   */
  async assertWritable(): Promise<void> {
    const name = claimTempName('probe');
    const probe = join(this.dir, name);
    try {
      await makeFolder(this.dir);
      await (await open(probe, 'wx')).close();
      await rm(probe);
    } catch (cause) {
      throw this.#unwritable(cause);
    } finally {
      releaseTempName(name);
    }
  }

  /**
   * Locks the folder for this training until {@link DiskOutputFolder.unlock}, and removes the temporary files that
   * killed trainings left there.
   *
   * @throws HooklineError `HKL_OUTPUT_IN_USE` while another training holds the lock, `HKL_OUTPUT_UNWRITABLE`
   */
  async lock(logger: Logger): Promise<void> {
    this.#logger = logger;
    this.#damage = undefined;
    this.#lock = await this.#take();
    const before = this.#lock.takenFrom;
    if (before !== undefined)
      logger.info(
        `${this.dir}: taken over from ${nameOwner(before)}, which had locked it since ${before.since} and ended without unlocking it`,
      );
    await removeStaleTemps(this.dir, { below: true });
  }

  /**
   * Releases the lock.
   *
   * @returns an error where the folder was removed, or taken over by another process, since it was locked
   */
  unlock(): HooklineError | undefined {
    this.#look();
    this.#lock?.release();
    this.#lock = undefined;
    return this.#damage;
  }

  async #take(): Promise<ProcessLock> {
    try {
      await makeFolder(this.dir);
      const { lock, owner } = tryLock(join(this.dir, LOCK));
      if (lock !== undefined) return lock;
      throw this.#inUse(owner);
    } catch (error) {
      throw error instanceof HooklineError ? error : this.#unwritable(error);
    }
  }

  /**
   * Notices, once, that the folder was removed or taken over. Training goes on, so that later results can still be
   * saved.
   */
  #look(): void {
    if (this.#lock === undefined || this.#damage !== undefined) return;
    const state = this.#lock.check();
    if (state === 'held') return;
    this.#damage =
      state === 'removed'
        ? new HooklineError('HKL_OUTPUT_REMOVED', `${this.dir} was removed or emptied during the training`, {
            who: 'output',
            fix: 'What was written before is gone; what is saved from then on is in a new folder of that name',
          })
        : new HooklineError('HKL_OUTPUT_IN_USE', `another process has taken over ${this.dir} during the training`, {
            who: 'output',
            fix: 'Files of both may be mixed; train again in another folder',
          });
    this.#logger?.warn(this.#damage.message);
  }

  #inUse(owner: LockOwner | undefined): HooklineError {
    const lock = join(this.dir, LOCK);
    const who = owner === undefined ? 'another process' : `${nameOwner(owner)}, since ${owner.since},`;
    const elsewhere =
      owner?.host !== hostname()
        ? `; where it has ended, wait ${ABANDONED_AFTER_MS / 60_000} minutes or remove ${lock}`
        : '';
    return new HooklineError('HKL_OUTPUT_IN_USE', `${who} is training in ${this.dir}`, {
      who: 'output',
      fix: `Choose another folder (output: ..., or --output DIR), or wait for its end${elsewhere}`,
    });
  }

  #unwritable(cause: unknown): HooklineError {
    const code = systemCode(cause) ?? 'unknown reason';
    const what =
      code === 'EEXIST' ? `${this.dir} is a file, not a folder (${code})` : `cannot write into ${this.dir} (${code})`;
    return new HooklineError('HKL_OUTPUT_UNWRITABLE', what, {
      who: 'output',
      fix: 'Choose another folder (output: ..., or --output DIR), or change its permissions',
      cause,
    });
  }
}

function nameOwner({ pid, host }: LockOwner): string {
  const here = pid === process.pid && host === hostname() ? ' (this one)' : '';
  return `process ${pid}${here} on ${host}`;
}
