import type { Logger } from '@hookline/core';
import { batchSourceRef, tf } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { numberOption } from './number-option.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';
import { settingsOf } from './throwaway-trainer.ts';
import { usageError } from './usage-error.ts';

/** How many batches `--overfit` names; undefined without it. @throws HooklineError `HKL_USAGE`, also together with --resume */
export function overfitBatches({ text, flag }: CommandLine): number | undefined {
  const batches = numberOption('overfit', text.overfit, 'count');
  if (batches !== undefined && flag.resume)
    throw usageError('--overfit begins a run of its own, so --resume means nothing beside it', 'Leave out one of them');
  return batches;
}

/**
 * The command line of a training that overfits: into a folder of its own beside the run's, unless one is given, and without test data, so that
 * nothing is evaluated.
 */
export async function forOverfit(given: CommandLine, logger: Logger): Promise<CommandLine> {
  const { output, config } = await settingsOf(given, logger);
  const { datasets } = config as { readonly datasets?: { readonly test?: unknown } };
  return {
    ...given,
    set: datasets?.test === undefined ? given.set : [...given.set, 'datasets.test=[]'],
    text: { ...given.text, output: given.text.output ?? `${output}-overfit` },
  };
}

/**
 * Takes the first batches of a trainer's data and gives it these again and again, as they are: whatever is drawn at random for a
 * batch, such as augmentation, was drawn once.
 *
 * @returns a line that says so
 */
export async function repeatBatches(trainer: RunnableTrainer, count: number): Promise<string> {
  const source = await trainer.service(batchSourceRef);
  const batches: unknown[] = [];
  while (batches.length < count) {
    const { device } = await source.next();
    // What is kept is not freed after a step.
    for (const tensor of device.owned) tf.keep(tensor);
    batches.push(device.batch);
  }
  source.reset(function* () {
    for (;;) yield* batches;
  });
  return `overfit:    on the same ${count === 1 ? 'batch' : `${count} batches`} again and again; nothing is evaluated`;
}
