import { join } from 'node:path';
import { ConsoleLogger } from '@hookline/core';
import { EXPORT_FORMATS, type ExportedModel, type ExportFormat, exportModel, modelRef } from '@hookline/tfjs';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT } from './exit-status.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { line, print, shown } from './print.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';
import { usageError } from './usage-error.ts';
import { withAverages } from './with-averages.ts';

/** Folder of the exported models in the run's folder, with a subfolder for each format. */
const FOLDER = 'exported';

/** `hookline export`. @returns the exit status */
export async function exportCommand(given: CommandLine): Promise<number> {
  const { text, flag } = given;
  const format = EXPORT_FORMATS.find((each) => each === text.format);
  if (format === undefined) {
    const what = text.format === undefined ? 'no format is given' : `there is no format "${text.format}"`;
    throw usageError(what, `Write --format ${EXPORT_FORMATS.join(' or ')}`);
  }
  const batch = text.batch === undefined ? undefined : Number(text.batch);
  if (batch !== undefined && !(Number.isInteger(batch) && batch >= 1))
    throw usageError(`--batch ${text.batch ?? ''} is not a number of items`, 'Give a whole number, such as --batch 1');
  const logger = new ConsoleLogger();
  const trainer = await createTrainer(given, logger);
  try {
    const checkpoint = await loadCheckpoint(trainer, given);
    const weights = flag.ema ? 'averaged' : 'trained';
    logger.info(`exporting ${shown(checkpoint)}, iteration ${trainer.iteration}, as ${format}`);
    const output = join(trainer.outputDir, FOLDER, format);
    const facts = { checkpoint: shown(checkpoint), iteration: trainer.iteration, weights };
    const write = () => writeModel(trainer, { format, batch, output, facts });
    const exported = flag.ema ? await withAverages(trainer, given.file, write) : await write();
    if (flag.json) print(JSON.stringify({ output, ...exported }));
    else for (const each of linesOf(output, exported)) print(each);
  } finally {
    await trainer.dispose();
  }
  return EXIT.ok;
}

async function writeModel(
  trainer: RunnableTrainer,
  { facts, ...options }: { format: ExportFormat; batch: number | undefined; output: string; facts: object },
): Promise<ExportedModel> {
  const { details, ...source } = (await trainer.exportSource?.()) ?? {};
  return exportModel(await trainer.service(modelRef), { ...options, ...source, details: { ...details, ...facts } });
}

function linesOf(output: string, { files, check, inputs, outputs }: ExportedModel): string[] {
  const ends = (list: ExportedModel['outputs']): string =>
    list.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape.map((size) => size ?? 'batch').join()}]`).join(', ');
  const checked =
    typeof check === 'string'
      ? check
      : `${check.runtime}, ${check.batches.join(' and ')} items: largest difference ${check.difference.toExponential(1)} of the largest number`;
  return [
    line('model', join(output, files[0] ?? '')),
    line('about it', join(output, 'export.json')),
    `${'inputs:'.padEnd(12)}${ends(inputs)}`,
    `${'outputs:'.padEnd(12)}${ends(outputs)}`,
    `${'compared:'.padEnd(12)}${checked}`,
  ];
}
