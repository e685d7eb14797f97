import type { PluginSet } from '../plugin/plugin-set.ts';
import type { Communicator } from '../services/communicator.ts';
import type { DiskOutputFolder } from '../services/output-folder.ts';
import type { Logger } from '../services/logger.ts';
import { onFirstRank } from '../services/ranks.ts';
import { throwAll } from '../throw-all.ts';
import { needsOutput } from './trainer-checks.ts';

/** The run's folder, and what is needed to lock it. */
export interface HeldOutput {
  readonly output: DiskOutputFolder;
  readonly set: PluginSet;
  readonly logger: Logger;
  /** Where several ranks train, only the first one locks the folder. */
  readonly comm: Communicator;
  /** Tears the plugins down where the folder cannot be locked; returns the errors. */
  readonly tearDown: () => Promise<readonly unknown[]>;
}

/**
 * Calls `train` while the run's folder is locked, so that no other training writes into it. Where no plugin writes
 * files, the folder is not touched.
 *
 * @throws HooklineError `HKL_OUTPUT_IN_USE`, `HKL_OUTPUT_UNWRITABLE` before it begins; `HKL_OUTPUT_REMOVED` after it
 * has ended when the folder was removed meanwhile; what `train` throws
 */
export async function holdOutput<T>(
  { output, set, logger, comm, tearDown }: HeldOutput,
  train: () => Promise<T>,
): Promise<T> {
  if (!needsOutput(set.arranged.map(({ plugin }) => plugin))) return train();
  try {
    await onFirstRank(comm, () => output.lock(logger), "the run's folder");
  } catch (error) {
    throwAll([error, ...(await tearDown())]);
  }
  let result: T | undefined;
  const errors: unknown[] = [];
  try {
    result = await train();
  } catch (error) {
    errors.push(error);
  }
  const damage = output.unlock();
  throwAll(damage === undefined ? errors : [...errors, damage]);
  return result as T;
}
