import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, runAll } from '@hookline/core';
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

/**
 * Calls a function with a trainer whose output folder is temporary, then disposes of the trainer and removes the folder. The run's own folder is not touched.
 *
 * @param name becomes part of the folder's name
 */
export async function withThrowawayTrainer(
  name: string,
  given: CommandLine,
  logger: Logger,
  use: (trainer: RunnableTrainer) => Promise<void>,
): Promise<void> {
  const output = await mkdtemp(join(tmpdir(), `hookline-${name}-`));
  const trainer = await createTrainer({ ...given, text: { ...given.text, output } }, logger);
  await runAll([() => use(trainer), () => trainer.dispose(), () => rm(output, { recursive: true, force: true })]);
}

/** The settings of a trainer; `config` is empty for a trainer without one. */
export async function settingsOf(
  given: CommandLine,
  logger: Logger,
): Promise<{ readonly output: string; readonly config: Readonly<Record<string, unknown>> }> {
  const trainer = await createTrainer(given, logger);
  const { outputDir: output, config } = trainer;
  await trainer.dispose();
  return { output, config: (config ?? {}) as Readonly<Record<string, unknown>> };
}
