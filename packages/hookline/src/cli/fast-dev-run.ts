import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, runAll } from '@hookline/core';
import type { CommandLine } from './command-line.ts';
import { createTrainer } from './create-trainer.ts';
import { EXIT, signalStatus } from './exit-status.ts';
import { usageError } from './usage-error.ts';

/** Two, so that what the first step leaves is met by another one. */
const STEPS = 2;

/**
 * `hookline train --fast-dev-run`: two steps, and then all that happens at the end of a training, such as the evaluation and the last
 * checkpoint, in a folder that is removed. Mistakes that a training would come to after hours show in a minute.
 *
 * @returns the exit status
 * @throws HooklineError `HKL_USAGE` together with --resume or --output, and whatever the training throws
 */
export async function fastDevRun(given: CommandLine, logger: Logger): Promise<number> {
  if (given.flag.resume || given.text.output !== undefined)
    throw usageError(
      `--fast-dev-run keeps nothing, so ${given.flag.resume ? '--resume' : '--output'} means nothing beside it`,
      'Leave out one of them',
    );
  const output = await mkdtemp(join(tmpdir(), 'hookline-fast-dev-run-'));
  const trainer = await createTrainer({ ...given, text: { ...given.text, output } }, logger);
  let exit = EXIT.ok as number;
  const run = async (): Promise<void> => {
    await trainer.resumeOrLoad({ resume: false });
    const { status, iteration, reason } = await trainer.train({ maxIterations: STEPS });
    logger.status(undefined);
    if (status === 'interrupted') exit = signalStatus(reason);
    const end = status === 'completed' ? 'all of it went through' : `${status} (${reason ?? 'on request'})`;
    logger.info(`fast dev run: ${iteration} of ${STEPS} steps and what follows them; ${end}; nothing is kept`);
  };
  await runAll([run, () => trainer.dispose(), () => rm(output, { recursive: true, force: true })]);
  return exit;
}
