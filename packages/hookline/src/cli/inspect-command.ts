import { ConsoleLogger } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { formatDescription } from './format-description.ts';

/** `hookline inspect`: prepares the trainer, as training would, and says what is in it. @returns the exit status */
export async function inspect(given: CommandLine): Promise<number> {
  const trainer = await createTrainer(given, new ConsoleLogger({ level: 'warn' }));
  const description = await trainer.describe();
  console.log(
    given.flag.json
      ? JSON.stringify({ ...description, config: trainer.config }, undefined, 2)
      : formatDescription(description),
  );
  await trainer.close();
  return EXIT.ok;
}
