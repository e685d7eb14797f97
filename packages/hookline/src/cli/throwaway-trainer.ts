import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, runAll } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';

/**
 * Does something with a trainer whose output folder is a temporary one, and removes both; the folder of the run is left alone.
 *
 * @param name a part of the folder's name
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

/** What a trainer is configured with; `config` is empty for one without. */
export async function settingsOf(
  given: CommandLine,
  logger: Logger,
): Promise<{ readonly output: string; readonly config: Readonly<Record<string, unknown>> }> {
  const trainer = await createTrainer(given, logger);
  const { outputDir: output, config } = trainer;
  await trainer.dispose();
  return { output, config: (config ?? {}) as Readonly<Record<string, unknown>> };
}
