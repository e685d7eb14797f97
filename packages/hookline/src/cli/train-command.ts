import { type Logger, runAll } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT, signalStatus } from './exit-status.ts';
import { fastDevRun } from './fast-dev-run.ts';
import { outputLines } from './output-files.ts';
import { line, shown } from './print.ts';
import { assertSameCommand, becomeRank, startedBy } from './launch/rank-process.ts';
import { forOverfit, overfitBatches, repeatBatches } from './overfit.ts';
import { resumeCommand } from './resume-command.ts';
import type { RunnableTrainer } from './trainer-in-file.ts';

/** `hookline train`. @returns the exit status */
export async function train(given: CommandLine, argv: readonly string[]): Promise<number> {
  const logger = await becomeRank();
  await assertSameCommand(given);
  if (given.flag.fastDevRun) return fastDevRun(given, logger);
  const overfit = overfitBatches(given);
  const trainer = await createTrainer(overfit === undefined ? given : await forOverfit(given, logger), logger);
  let status = EXIT.ok as number;
  await runAll([async () => (status = await run(trainer, { given, argv, overfit }, logger)), () => trainer.dispose()]);
  return status;
}

async function run(
  trainer: RunnableTrainer,
  { given, argv, overfit }: { given: CommandLine; argv: readonly string[]; overfit: number | undefined },
  logger: Logger,
): Promise<number> {
  const began = Date.now();
  logger.info(line('output', trainer.outputDir));
  logger.info(await begin(trainer, given));
  if (overfit !== undefined) logger.info(await repeatBatches(trainer, overfit));
  const { status, iteration, reason } = await trainer.train();
  const checkpoint = await trainer.checkpoints.latest();
  logger.status(undefined);
  if (status === 'interrupted') {
    logger.info(`interrupted by ${reason ?? 'a signal'} after ${iteration} of ${trainer.maxIterations} iterations`);
    logger.info(
      checkpoint === undefined
        ? `nothing was saved: ${iteration === 0 ? 'no step was done' : 'no plugin writes checkpoints (add @hookline/plugin-checkpointer)'}`
        : overfit === undefined
          ? `saved ${shown(checkpoint)}; go on with:\n  ${resumeCommand(startedBy(argv))}`
          : `saved ${shown(checkpoint)}`,
    );
    return signalStatus(reason);
  }
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  const end = status === 'stopped' ? `stopped (${reason ?? 'on request'})` : 'done';
  logger.info(`${end}: ${iteration} iterations, ${seconds} s`);
  if (checkpoint !== undefined) logger.info(line('checkpoint', checkpoint));
  for (const file of await outputLines(trainer.outputDir, began)) logger.info(file);
  return EXIT.ok;
}

/** Loads the checkpoint or weights to start from. @returns a line for the log that says what was loaded */
async function begin(trainer: RunnableTrainer, { flag, allowMismatch }: CommandLine): Promise<string> {
  const { resume } = flag;
  const earlier = await trainer.checkpoints.latest();
  const loaded = await trainer.resumeOrLoad({ resume, ...(allowMismatch.length === 0 ? {} : { allowMismatch }) });
  if (resume && earlier !== undefined) return `resuming:   ${shown(earlier)}, at iteration ${trainer.iteration}`;
  const notes = [
    ...(resume ? ['there is no checkpoint to resume from'] : []),
    ...(!resume && earlier !== undefined ? ['the folder holds an earlier run, which --resume would continue'] : []),
    ...(loaded === undefined ? [] : [`weights of ${shown(loaded)}`]),
  ];
  return `beginning:  a new run${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}
