import { HooklineError, isHooklineError } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { shown } from './print.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';

/**
 * Loads the checkpoint of the command line, or the latest one of the trainer's folder, for prediction or evaluation.
 * A trainer that does not need its training data for this does not read them. From a file of another program, only weights are loaded.
 *
 * @returns path of the checkpoint
 * @throws HooklineError `HKL_NO_CHECKPOINT`
 */
export async function loadCheckpoint(
  trainer: RunnableTrainer,
  { command, text, allowMismatch }: CommandLine,
): Promise<string> {
  const file = text.checkpoint ?? (await trainer.checkpoints.latest());
  if (file === undefined) {
    throw new HooklineError('HKL_NO_CHECKPOINT', `there is no checkpoint in ${shown(trainer.outputDir)}`, {
      who: command,
      fix: 'Train first, or give --output DIR or --checkpoint FILE',
    });
  }
  try {
    if (trainer.loadForInference === undefined) await trainer.load(file, { scope: 'inference', allowMismatch });
    else await trainer.loadForInference(file, { allowMismatch });
  } catch (error) {
    if (!isHooklineError(error, 'HKL_CHECKPOINT_FOREIGN')) throw error;
    await trainer.load(file, { scope: 'weights', allowMismatch });
  }
  return file;
}
