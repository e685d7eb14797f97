import type { Logger } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { loadTrainer } from './load-trainer.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';

/** Creates the trainer of the given file, with the config changes of the command line. */
export async function createTrainer({ file, set, text }: CommandLine, logger: Logger): Promise<RunnableTrainer> {
  const definition = await loadTrainer(file);
  const changes = {
    set: text.weights === undefined ? set : [...set, `model.weights=${JSON.stringify(text.weights)}`],
    logger,
    ...(text.output === undefined ? {} : { output: text.output }),
    ...(text.device === undefined ? {} : { device: text.device }),
  };
  return definition.createOnDevice?.(changes) ?? definition.create(changes);
}
