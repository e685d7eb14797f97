import type { Logger } from '@hookline/core';
import { batchSourceRef, tf } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { numberOption } from './number-option.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';
import { settingsOf } from './create-trainer.ts';
import { usageError } from './usage-error.ts';

/** The number of batches given by `--overfit`; undefined without it. @throws HooklineError `HKL_USAGE` if it is no count, or combined with --resume */
export function overfitBatches({ text, flag }: CommandLine): number | undefined {
  const batches = numberOption('overfit', text.overfit, 'count');
  if (batches !== undefined && flag.resume)
    throw usageError('--overfit starts a new run and cannot be combined with --resume', 'Leave out one of them');
  return batches;
}

/**
 * Changes the command line for a training that overfits. It writes to its own folder next to the run's, unless a folder is given, and has no test data, so
 * nothing is evaluated and no checkpoint is the best by a metric of an evaluation.
 */
export async function forOverfit(given: CommandLine, logger: Logger): Promise<CommandLine> {
  const { output, config } = await settingsOf(given, logger);
  const { datasets, checkpoint } = config as {
    readonly datasets?: { readonly test?: unknown };
    readonly checkpoint?: { readonly best?: unknown };
  };
  const set = [
    ...(datasets?.test === undefined ? [] : ['datasets.test=[]']),
    ...(checkpoint?.best === undefined ? [] : ['checkpoint.best=""']),
  ];
  return {
    ...given,
    set: [...given.set, ...set],
    text: { ...given.text, output: given.text.output ?? `${output}-overfit` },
  };
}

/**
 * Takes the first `count` batches of a trainer's data and repeats them endlessly. Random augmentations are drawn only once,
 * so the batches do not change.
 *
 * @returns a line for the log
 */
export async function repeatBatches(trainer: RunnableTrainer, count: number): Promise<string> {
  const source = await trainer.service(batchSourceRef);
  const batches: unknown[] = [];
  while (batches.length < count) {
    const { device } = await source.next();
    // Keep the tensors, so that they are not disposed of after a step.
    for (const tensor of device.owned) tf.keep(tensor);
    batches.push(device.batch);
  }
  source.reset(function* () {
    for (;;) yield* batches;
  });
  return `overfit:    on the same ${count === 1 ? 'batch' : `${count} batches`} again and again; nothing is evaluated`;
}
