import { join, resolve } from 'node:path';
import { ConsoleLogger } from '@hookline/core';
import { modelRef, saveWeights, type SavedWeights } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { line, print, shown } from './print.ts';
import { usageError } from './usage-error.ts';
import { withAverages } from './with-averages.ts';

/** Default file for the weights, in the run's folder. */
const DEFAULT_TARGET = ['exported', 'weights.safetensors'];

/** `hookline convert`. @returns the exit status */
export async function convert(given: CommandLine): Promise<number> {
  const { images, flag, file } = given;
  const logger = new ConsoleLogger();
  const trainer = await createTrainer(given, logger);
  try {
    const target = resolve(images[0] ?? join(trainer.outputDir, ...DEFAULT_TARGET));
    if (!target.endsWith('.safetensors'))
      throw usageError(`${shown(target)} does not end in .safetensors`, 'Give a name such as weights.safetensors');
    const checkpoint = await loadCheckpoint(trainer, given);
    if ([resolve(checkpoint), ...(await trainer.checkpoints.list())].includes(target))
      throw usageError(
        `${shown(target)} is a checkpoint, which would be overwritten`,
        'Give another name for the weights',
      );
    logger.info(`converting ${shown(checkpoint)}, iteration ${trainer.iteration}`);
    const write = async (): Promise<SavedWeights> => saveWeights(await trainer.service(modelRef), target);
    const saved = flag.ema ? await withAverages(trainer, file, write) : await write();
    if (flag.json) print(JSON.stringify({ ...saved, checkpoint: shown(checkpoint), iteration: trainer.iteration }));
    else for (const each of linesOf(saved)) print(each);
  } finally {
    await trainer.dispose();
  }
  return EXIT.ok;
}

function linesOf({ file, names, foreign }: SavedWeights): string[] {
  const count = Object.keys(names).length;
  const named =
    foreign === 0
      ? "with Hookline's names and axes, because the model has no weight table"
      : foreign === count
        ? "with PyTorch's names and axes"
        : `${foreign} of them with PyTorch's names and axes, the others with Hookline's`;
  return [
    line('weights', file),
    `${'tensors:'.padEnd(12)}${count}, ${named}`,
    `${'in Python:'.padEnd(12)}safetensors.torch.load_file('${shown(file)}')`,
  ];
}
