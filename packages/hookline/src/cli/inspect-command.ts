import { join } from 'node:path';
import { ConsoleLogger } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { compareTrainers, formatDifferences, type InspectedTrainer } from './compare-trainers.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { describeCapture } from './describe-capture.ts';
import { formatDescription } from './format-description.ts';
import { print } from './print.ts';

/**
 * `hookline inspect`: prepares the trainer as for training, and describes it; with `--diff OTHER`, says how the trainer of another file
 * differs.
 *
 * @returns the exit status
 */
export async function inspect(given: CommandLine): Promise<number> {
  if (given.text.diff !== undefined) return compare(given, given.text.diff);
  const trainer = await createTrainer(given, new ConsoleLogger({ level: 'warn' }));
  const description = await trainer.describe();
  const { graph, ...capture } = await describeCapture(trainer, given.flag.graph ? trainer.outputDir : undefined);
  print(
    given.flag.json
      ? JSON.stringify({ ...description, config: trainer.config, capture }, undefined, 2)
      : `${formatDescription(description)}\n\n${capture.line}`,
  );
  if (given.flag.graph && !given.flag.json && graph !== undefined) {
    print(`\n${graph}\n\nfor TensorBoard: ${join(trainer.outputDir, 'graph')}`);
  }
  await trainer.dispose();
  return EXIT.ok;
}

async function compare(given: CommandLine, other: string): Promise<number> {
  const look = async (file: string): Promise<InspectedTrainer> => {
    const trainer = await createTrainer({ ...given, file }, new ConsoleLogger({ level: 'warn' }));
    const description = await trainer.describe();
    await trainer.dispose();
    return { ...description, config: trainer.config };
  };
  // Create them one after the other, because both may use the same device and folder.
  const before = await look(given.file);
  const differences = compareTrainers(before, await look(other));
  print(given.flag.json ? JSON.stringify(differences, undefined, 2) : formatDifferences(differences));
  return EXIT.ok;
}
